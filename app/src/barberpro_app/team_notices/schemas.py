"""Who of the team is told of what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Email, Request

Topic = Literal["new", "requests", "changes"]
Topics = Annotated[list[Topic], Field(max_length=3)]


class TeamNotices(Answer):
    """What is told by e-mail of what clients do: to `provider`, whoever attends, and to the `desk`
    (reception; the owner where nobody has that role) and one more `address`. `new` are bookings,
    `requests` those that wait for a yes, `changes` what a client moves or cancels."""

    provider: list[Topic]
    desk: list[Topic]
    address: str
    version: int


class TeamNoticesChange(Request):
    """What the owner sets; `version` as read, 0 at first. An `address` of null: nobody else."""

    version: Annotated[int, Field(ge=0, le=2_147_483_647)]
    provider: Topics
    desk: Topics
    address: Email | None = None
