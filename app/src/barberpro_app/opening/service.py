"""The first steps: looking at them, answering one, ending them. Changes need a transaction."""

from __future__ import annotations

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.opening import repository
from barberpro_app.opening.schemas import STEPS, Answer, Facts, Opening, Step
from barberpro_app.settings import AppConfiguration


def steps_of(app: AppConfiguration) -> tuple[Step, ...]:
    """Those that this business has."""
    return tuple(step for step in STEPS if step != "money" or "payment" in app.services)


async def get_opening(connection: Connection, app: AppConfiguration) -> Opening:
    stored = await repository.stored(connection)
    steps = steps_of(app)
    answers: dict[str, Answer] = {
        step: "done" if stored[step] == "done" else "skipped" for step in steps if step in stored
    }
    return Opening(steps, answers, bool(stored.get("ended")))


async def answer_step(
    connection: Connection, app: AppConfiguration, actor: Actor, step: str, answer: Answer
) -> None:
    """Notes that the owner looked at a step, or leaves it for later; the last one ends them all.
    Raises `NotFoundError`."""
    if step not in steps_of(app):
        raise NotFoundError
    values: dict[str, object] = {step: answer}
    if step == "open" and answer == "done":
        values["ended"] = "opened"
    await repository.merge(connection, values)
    await record(connection, actor, "opening.answered", AuditedObject("opening", step),
                 {"answer": answer})  # fmt: skip


async def end(connection: Connection, actor: Actor) -> None:
    """The owner does not want to be asked any more."""
    await repository.merge(connection, {"ended": "dismissed"})
    await record(connection, actor, "opening.ended", AuditedObject("opening", ""))


async def begin_again(connection: Connection, actor: Actor) -> None:
    await repository.forget(connection)
    await record(connection, actor, "opening.begun", AuditedObject("opening", ""))


async def get_facts(connection: Connection) -> Facts:
    return Facts(**await repository.facts(connection))
