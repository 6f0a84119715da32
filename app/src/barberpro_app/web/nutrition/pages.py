"""Meal plans: what the plan is made from, the person's signed plans, and the list for who attends."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.kit.errors import AppError
from barberpro_app.nutrition import licences, service
from barberpro_app.nutrition.errors import AdultsOnlyError
from barberpro_app.nutrition.foods import CONTAINS, SOURCES
from barberpro_app.nutrition.schemas import (
    MealPlanDraft,
    NutritionProfile,
    NutritionProfileDraft,
    NutritionTargets,
)
from barberpro_app.nutrition.targets import AIMS, FACTORS
from barberpro_app.web.body.common import (
    TEAM,
    Scene,
    again,
    body_page,
    consent_of,
    decimal_of,
    guarded,
    number,
    scene_of,
)
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False)
MY_PLAN = "/mi-plan"
OF_CLIENT = TEAM + "/{client_id}/plan"
_FIELDS = {"born_on": "nacimiento", "sex": "sexo", "height_cm": "altura", "weight_kg": "peso",
           "activity": "actividad", "aim": "objetivo", "note": "aclaracion"}  # fmt: skip
SEXES = ("female", "male")


@router.get(MY_PLAN)
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
    who, t = actor(request, reader.principal), reader.t
    async with reader.database.transaction() as connection:
        plans = (await service.plans(connection, who, scene.client_id)).items
        profile = await service.profile_of(connection, scene.client_id)
        consent = await consent_of(connection, request, reader, scene, "nutrition_data")
        signs = await licences.may_sign(connection, reader.principal.provider_id)
    return body_page(
        request, reader, scene, "nutrition", form=form or _filled(reader, profile), error=error,
        profile=profile, plans=plans, consent=consent, signs=signs,
        targets=_targets(reader, profile),
        sexes=[(name, t(f"sex.{name}")) for name in SEXES],
        levels=[(name, t(f"level.{name}")) for name in FACTORS],
        aims=[(name, t(f"aim.{name}")) for name in AIMS],
        avoidable=[(name, t(f"contains.{name}")) for name in CONTAINS],
    )  # fmt: skip


def _targets(reader: Reader, profile: NutritionProfile | None) -> NutritionTargets | None:
    """None without a profile, and for minors, whom the equation is not for."""
    if profile is None:
        return None
    try:
        return service.targets_of(reader.app, profile)
    except AdultsOnlyError:
        return None


def _filled(reader: Reader, profile: NutritionProfile | None) -> Form:
    """The form with what was told."""
    if profile is None:
        return Form.empty()
    values = {
        "nacimiento": profile.born_on.isoformat(), "sexo": profile.sex,
        "altura": number(reader, profile.height_cm, 1), "peso": number(reader, profile.weight_kg, 1),
        "actividad": profile.activity, "objetivo": profile.aim, "aclaracion": profile.note,
    }  # fmt: skip
    form = Form.empty(**values)
    form.values["evita"] = list(profile.avoids)
    return form


@router.post(MY_PLAN + "/datos")
@router.post(OF_CLIENT + "/datos")
@guarded
async def save_profile(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    values = {
        "born_on": form.day("nacimiento", from_year=1900),
        "sex": form.choice("sexo", SEXES),
        "height_cm": decimal_of(form, "altura"),
        "weight_kg": decimal_of(form, "peso"),
        "activity": form.choice("actividad", tuple(FACTORS)),
        "aim": form.choice("objetivo", tuple(AIMS)),
        "avoids": [name for name in form.several("evita") if name in CONTAINS],
        "note": form.text("aclaracion", most=1000, required=False, lines=True),
    }
    new = draft(form, NutritionProfileDraft, values, _FIELDS)
    if new is None:
        return await _page(request, reader, scene, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.save_profile(connection, reader.app, who, scene.client_id, new)
    except AppError as error:
        again(error, scene)
        if error.field == "born_on":
            form.refuse("nacimiento", "error.date")
            return await _page(request, reader, scene, form)
        return await _page(request, reader, scene, form, error)
    return see(f"{scene.plans}?hecho=guardado")


@router.get(MY_PLAN + "/{plan_id}")
async def my_plan(
    request: Request,
    plan_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    """The signed version, to read and to print."""
    async with reader.database.transaction() as connection:
        plan = await service.get_plan(connection, actor(request, reader.principal), plan_id)
    return body_page(
        request,
        reader,
        scene,
        "plan",
        plan=plan,
        sources=[name for name in SOURCES if name != "own"],
    )


@router.post(OF_CLIENT + "/nuevo")
@guarded
async def new_plan(
    request: Request, scene: Scene = Depends(scene_of), reader: Reader = Depends(reader_of)
) -> Response:
    """An empty plan with a first day, which its author fills on the next page."""
    form = await submitted(request)
    values = {
        "title": form.text("titulo", most=80),
        "target_kcal": form.integer("kcal", least=500, most=10_000) if form.raw("kcal") else None,
        "days": [{"name": reader.fmt.weekday_name(1).capitalize(), "meals": [
            {"name": reader.t(f"meal.{name}")} for name in ("breakfast", "lunch", "tea", "dinner")
        ]}],
    }  # fmt: skip
    new = draft(form, MealPlanDraft, values, {"title": "titulo", "target_kcal": "kcal"})
    if new is None:
        return await _page(request, reader, scene, form)
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        made = await service.draft_plan(connection, who, scene.client_id, new)
    return see(f"{scene.plans}/{made.id}")
