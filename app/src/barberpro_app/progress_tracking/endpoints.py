"""The JSON API of progress: for signed-in people."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from barberpro_app.clinical_records.persons import require_person
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
)
from barberpro_app.identity.auth import require_scope
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.schemas import Locale
from barberpro_app.progress_tracking import service
from barberpro_app.progress_tracking.export import as_csv
from barberpro_app.progress_tracking.schemas import (
    KindKey,
    MeasureKind,
    MeasureKindDraft,
    MeasureKinds,
    MeasureKindSwitch,
    Measurement,
    MeasurementDraft,
    Measurements,
    ProgressGoal,
    ProgressGoalDraft,
    ProgressGoals,
)

router = APIRouter(prefix=API, tags=["progress"])

Person = Annotated[Principal, Depends(require_person)]
Writer = Annotated[Principal, Depends(require_scope("settings:write"))]


@router.get("/measure-kinds", response_model=MeasureKinds, responses=READING)
async def kinds(request: Request, _principal: Person) -> Response:
    """What can be measured, with units and plausible ranges."""
    async with database_of(request).connection() as connection:
        return answer(await service.kinds(connection, configuration_of(request)))


@router.post("/measure-kinds", response_model=MeasureKind, status_code=201, responses=WRITING)
async def add_kind(request: Request, draft: MeasureKindDraft, principal: Writer) -> Response:
    """A measure of your own."""
    async with database_of(request).transaction() as connection:
        made = await service.add_kind(connection, actor_of(request, principal), draft)
    return answer(made, 201)


@router.put("/measure-kinds/{key}", response_model=MeasureKind, responses=WRITING)
async def switch_kind(
    request: Request, key: Annotated[KindKey, Path()], switch: MeasureKindSwitch, principal: Writer
) -> Response:
    """Stop offering a measure, or offer it again."""
    async with database_of(request).transaction() as connection:
        done = await service.switch_kind(connection, actor_of(request, principal), key, switch)
    return answer(done)


@router.get("/clients/{client_id}/measurements", response_model=Measurements, responses=READING)
async def measurements(
    request: Request,
    client_id: UUID,
    principal: Person,
    kind: Annotated[KindKey | None, Query()] = None,
) -> Response:
    """A person's values, oldest first, with what comes from activities."""
    async with database_of(request).transaction() as connection:
        found = await service.measurements(
            connection, configuration_of(request), actor_of(request, principal), client_id, kind
        )
    return answer(found)


@router.post(
    "/clients/{client_id}/measurements",
    response_model=Measurement,
    status_code=201,
    responses=WRITING,
)
async def measure(
    request: Request, client_id: UUID, draft: MeasurementDraft, principal: Person
) -> Response:
    """Keep a value; a second one of a day takes the place of the first."""
    async with database_of(request).transaction() as connection:
        made = await service.measure(
            connection, configuration_of(request), actor_of(request, principal), client_id, draft
        )
    return answer(made, 201)


@router.delete("/measurements/{measurement_id}", status_code=204, responses=WRITING)
async def delete(request: Request, measurement_id: UUID, principal: Person) -> Response:
    """Delete a value."""
    async with database_of(request).transaction() as connection:
        await service.delete(connection, actor_of(request, principal), measurement_id)
    return no_content()


@router.get("/clients/{client_id}/progress-goals", response_model=ProgressGoals, responses=READING)
async def goals(request: Request, client_id: UUID, principal: Person) -> Response:
    """A person's goals, and how far they are."""
    async with database_of(request).transaction() as connection:
        found = await service.goals(
            connection, configuration_of(request), actor_of(request, principal), client_id
        )
    return answer(found)


@router.post(
    "/clients/{client_id}/progress-goals",
    response_model=ProgressGoal,
    status_code=201,
    responses=WRITING,
)
async def set_goal(
    request: Request, client_id: UUID, draft: ProgressGoalDraft, principal: Person
) -> Response:
    """Where to get, by when."""
    async with database_of(request).transaction() as connection:
        made = await service.set_goal(
            connection, configuration_of(request), actor_of(request, principal), client_id, draft
        )
    return answer(made, 201)


@router.delete("/progress-goals/{goal_id}", status_code=204, responses=WRITING)
async def end_goal(request: Request, goal_id: UUID, principal: Person) -> Response:
    """End a goal; it stays in the history."""
    async with database_of(request).transaction() as connection:
        await service.end_goal(connection, actor_of(request, principal), goal_id)
    return no_content()


@router.get(
    "/clients/{client_id}/progress.csv",
    response_class=Response,
    responses={**READING, 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export(
    request: Request,
    client_id: UUID,
    principal: Person,
    locale: Annotated[Locale, Query()] = "es-AR",
) -> Response:
    """The values as a file for a spreadsheet."""
    async with database_of(request).transaction() as connection:
        app = configuration_of(request)
        actor = actor_of(request, principal)
        found = await service.measurements(connection, app, actor, client_id)
        named = await service.kinds(connection, app, every=True)
    return csv_answer(as_csv(found, named, locale))


def csv_answer(text: str) -> Response:
    """To be saved, not kept by caches."""
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="mi-progreso.csv"',
        },
    )
