"""Measures, goals and their charts: the person's own, and a client's for who attends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.body_data.schemas import BodyConsentState
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.progress_tracking import service
from barberpro_app.progress_tracking.endpoints import csv_answer
from barberpro_app.progress_tracking.export import as_csv
from barberpro_app.progress_tracking.schemas import (
    MeasureKind,
    Measurement,
    MeasurementDraft,
    ProgressGoal,
    ProgressGoalDraft,
)
from barberpro_app.web.body.charts import LineChart, line_chart
from barberpro_app.web.body.common import (
    MINE,
    TEAM,
    Scene,
    again,
    body_page,
    consent_of,
    decimal_of,
    guarded,
    scene_of,
    unit_of,
)
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
OF_CLIENT = TEAM + "/{client_id}"
#: Values drawn in one chart; older ones are in the file.
MOST_DRAWN = 120
MOST_GOALS = 20
_FIELDS = {"value": "valor", "kind": "medida", "measured_on": "dia", "note": "nota"}
_GOAL_FIELDS = {"target": "meta_valor", "kind": "meta_medida", "by_day": "meta_dia",
                "start_value": "meta_inicio"}  # fmt: skip


@dataclass(frozen=True)
class Followed:
    """One measure with its values, oldest first, and its goal."""

    kind: MeasureKind
    name: str
    unit: str
    values: Sequence[Measurement]
    chart: LineChart | None
    goal: ProgressGoal | None

    @property
    def latest(self) -> Measurement:
        return self.values[-1]

    @property
    def change(self) -> float:
        return self.values[-1].value - self.values[0].value


@dataclass(frozen=True)
class _Found:
    kinds: list[MeasureKind]
    values: list[Measurement]
    goals: list[ProgressGoal]
    consent: BodyConsentState | None


async def _read(request: Request, reader: Reader, scene: Scene) -> _Found:
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        values = await service.measurements(connection, reader.app, who, scene.client_id)
        return _Found(
            (await service.kinds(connection, reader.app, every=True)).items,
            values.items,
            (await service.goals_of(connection, reader.app, scene.client_id)).items,
            await consent_of(connection, request, reader, scene, "progress_data"),
        )


def _followed(reader: Reader, found: _Found, only: str | None = None) -> list[Followed]:
    """The measures that there are values of, in the order of the list."""
    goals = {goal.kind: goal for goal in reversed(found.goals) if not goal.ended}
    followed = []
    for kind in found.kinds:
        values = [item for item in found.values if item.kind == kind.key][-MOST_DRAWN:]
        goal = goals.get(kind.key)
        if not values or (only is not None and kind.key != only):
            continue
        drawn = [(item.measured_on, item.value) for item in values]
        chart = line_chart(drawn, goal.target if goal else None)
        followed.append(
            Followed(kind, name_of(reader, kind), unit_of(reader.t, kind.unit), values, chart, goal)
        )
    return followed


def name_of(reader: Reader, kind: MeasureKind) -> str:
    return in_language(kind.names, reader.locale, reader.app.locale)


@router.get(MINE)
@router.get(OF_CLIENT)
@guarded
async def show(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    return await _page(request, reader, scene)


async def _page(
    request: Request,
    reader: Reader,
    scene: Scene,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    found = await _read(request, reader, scene)
    today = clock.now().astimezone(reader.app.zone).date()
    kinds = {kind.key: kind for kind in found.kinds}
    return body_page(
        request, reader, scene, "progress", form=form or Form.empty(dia=today.isoformat()),
        error=error, consent=found.consent, followed=_followed(reader, found),
        goals=[(goal, name_of(reader, kinds[goal.kind]), kinds[goal.kind])
               for goal in found.goals[:MOST_GOALS] if goal.kind in kinds],
        typed=[(kind.key, f"{name_of(reader, kind)} ({unit_of(reader.t, kind.unit)})")
               for kind in found.kinds if kind.active and kind.source == "typed"],
        aims=[(kind.key, f"{name_of(reader, kind)} ({unit_of(reader.t, kind.unit)})")
              for kind in found.kinds if kind.active],
        today=today,
    )  # fmt: skip


@router.post(MINE + "/medir")
@router.post(OF_CLIENT + "/medir")
@guarded
async def measure(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "kind": form.raw("medida"),
        "value": decimal_of(form, "valor"),
        "measured_on": form.day("dia"),
        "note": form.text("nota", most=300, required=False),
    }
    new = draft(form, MeasurementDraft, values, _FIELDS)
    if new is None:
        return await _page(request, reader, scene, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.measure(connection, reader.app, who, scene.client_id, new)
    except AppError as error:
        again(error, scene)
        return await _refused(request, reader, scene, form, error, _FIELDS)
    return see(f"{scene.home}?hecho=guardado")


async def _refused(
    request: Request,
    reader: Reader,
    scene: Scene,
    form: Form,
    error: AppError,
    fields: dict[str, str],
) -> Response:
    """A refusal of a field is said at the field; of a range, with the range."""
    name = fields.get(error.field or "")
    if error.status != 422 or name is None:
        return await _page(request, reader, scene, form, error)
    key = f"code.{error.code}"
    form.refuse(name, key if reader.t.has(key) else "error.invalid")
    return await _page(request, reader, scene, form)


@router.post(MINE + "/medida/{measurement_id}/borrar")
@router.post(OF_CLIENT + "/medida/{measurement_id}/borrar")
@guarded
async def delete(
    request: Request,
    measurement_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.delete(connection, actor(request, reader.principal), measurement_id)
    return see(f"{scene.home}?hecho=borrado")


@router.get(MINE + "/medida/{key}")
@router.get(OF_CLIENT + "/medida/{key}")
@guarded
async def one(
    request: Request,
    key: str,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    """One measure: its chart, and the same as a table."""
    found = await _read(request, reader, scene)
    followed = _followed(reader, found, key)
    if not followed:
        raise NotFoundError
    return body_page(request, reader, scene, "measure", item=followed[0])


@router.post(MINE + "/objetivo")
@router.post(OF_CLIENT + "/objetivo")
@guarded
async def set_goal(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "kind": form.raw("meta_medida"),
        "target": decimal_of(form, "meta_valor"),
        "by_day": form.day("meta_dia"),
        "start_value": decimal_of(form, "meta_inicio", required=False),
    }
    new = draft(form, ProgressGoalDraft, values, _GOAL_FIELDS)
    if new is None:
        return await _page(request, reader, scene, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.set_goal(connection, reader.app, who, scene.client_id, new)
    except AppError as error:
        again(error, scene)
        return await _refused(request, reader, scene, form, error, _GOAL_FIELDS)
    return see(f"{scene.home}?hecho=guardado")


@router.post(MINE + "/objetivo/{goal_id}/terminar")
@router.post(OF_CLIENT + "/objetivo/{goal_id}/terminar")
@guarded
async def end_goal(
    request: Request,
    goal_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.end_goal(connection, actor(request, reader.principal), goal_id)
    return see(f"{scene.home}?hecho=terminado")


@router.get(MINE + "/descargar")
async def download(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    """The person's values for a spreadsheet."""
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        found = await service.measurements(connection, reader.app, who, scene.client_id)
        kinds = await service.kinds(connection, reader.app, every=True)
    return csv_answer(as_csv(found, kinds, reader.locale))
