"""Writing a plan: each form changes one thing of the version that was read, and signing ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from barberpro_app.clinical_records.persons import require_team
from barberpro_app.kit.errors import AppError, InvalidRequestError
from barberpro_app.nutrition import foods, licences, own_foods, service
from barberpro_app.nutrition.schemas import (
    MealDraft,
    MealItemDraft,
    MealPlan,
    MealPlanDraft,
    PlanDayDraft,
)
from barberpro_app.web.body.common import TEAM, Scene, again, body_page, guarded, scene_of
from barberpro_app.web.parts.booking_view import actor, in_language
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
PLAN = TEAM + "/{client_id}/plan/{plan_id}"
OPERATIONS = ("cabeza", "agregar", "quitar", "comida", "quitar-comida", "dia", "quitar-dia")


@router.get(PLAN)
@guarded
async def show(
    request: Request,
    plan_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    return await _page(request, reader, scene, plan_id)


async def _page(
    request: Request,
    reader: Reader,
    scene: Scene,
    plan_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    who = actor(request, reader.principal)
    async with reader.database.transaction() as connection:
        plan = await service.get_plan(connection, who, plan_id)
        profile = await service.profile_of(connection, scene.client_id)
        signs = await licences.may_sign(connection, reader.principal.provider_id)
        choice = await own_foods.offered(connection)
    avoided = set(profile.avoids) if profile else set()
    return body_page(
        request, reader, scene, "plan_editor", form=form, error=error, plan=plan, signs=signs,
        here=f"{scene.plans}/{plan_id}", groups=_groups(reader, choice), avoided=avoided,
        sources=[name for name in foods.SOURCES if name != "own"],
    )  # fmt: skip


def _groups(
    reader: Reader, choice: Iterable[foods.Food]
) -> list[tuple[str, Sequence[tuple[str, str]]]]:
    """The foods to choose from, by group, in order of their names."""
    rows = sorted(
        (reader.t(f"food_group.{food.group}"),
         in_language(dict(food.names), reader.locale, reader.app.locale), food.key)
        for food in choice
    )  # fmt: skip
    return [
        (group, [(key, name) for _, name, key in items])
        for group, items in groupby(rows, key=lambda row: row[0])
    ]


def _as_draft(plan: MealPlan) -> MealPlanDraft:
    return MealPlanDraft(
        title=plan.title,
        note=plan.note,
        target_kcal=plan.target_kcal,
        days=[
            PlanDayDraft(
                name=day.name,
                meals=[
                    MealDraft(
                        name=meal.name,
                        items=[
                            MealItemDraft(food=item.food, grams=item.grams, note=item.note)
                            for item in meal.items
                        ],
                    )
                    for meal in day.meals
                ],
            )
            for day in plan.days
        ],
    )


@router.post(PLAN + "/cambiar")
@guarded
async def change(
    request: Request,
    plan_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    form = await submitted(request)
    who = actor(request, reader.principal)
    anchor = f"#dia-{form.raw('dia')}" if form.raw("dia").isdigit() else ""
    try:
        async with reader.database.transaction() as connection:
            plan = await service.get_plan(connection, who, plan_id)
            edited = _edited(form, _as_draft(plan))
            if edited is not None:
                await service.change_plan(connection, who, plan_id, edited, form.raw("huella"))
    except AppError as error:
        again(error, scene)
        return await _page(request, reader, scene, plan_id, form, error)
    if edited is None:
        return await _page(request, reader, scene, plan_id, form)
    return see(f"{scene.plans}/{plan_id}?hecho=guardado{anchor}")


def _edited(form: Form, plan: MealPlanDraft) -> MealPlanDraft | None:
    """The plan with the form's change; None with the problem noted. Raises `InvalidRequestError`
    for a place that is not in the plan."""
    operation = form.choice("que", OPERATIONS)
    content = plan.model_dump()
    if not operation:
        return None
    step = _STEPS[operation]
    try:
        step(form, content)
    except (IndexError, ValueError, TypeError) as error:
        raise InvalidRequestError from error
    if form.problems:
        return None
    try:
        return MealPlanDraft.model_validate(content)
    except ValidationError as error:
        raise InvalidRequestError from error


Content = dict[str, Any]


def _meal(form: Form, content: Content) -> Content:
    """The meal that a form names. Raises `IndexError`, `ValueError`."""
    found: Content = content["days"][_place(form, "dia")]["meals"][_place(form, "comida")]
    return found


def _place(form: Form, name: str) -> int:
    """A place in a list, from 0. Raises `ValueError`."""
    text = form.raw(name)
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise ValueError(text)
    return int(text)


def _head(form: Form, content: Content) -> None:
    content["title"] = form.text("titulo", most=80)
    content["note"] = form.text("aclaracion", most=2000, required=False, lines=True)
    typed = form.raw("kcal").strip()
    content["target_kcal"] = form.integer("kcal", least=500, most=10_000) if typed else None


def _add_item(form: Form, content: Content) -> None:
    meal = _meal(form, content)
    food = form.text("alimento", most=40)  # one that is not there is refused with the plan
    grams = form.integer("gramos", least=1, most=3000)
    if form.ok:
        meal["items"].append({"food": food, "grams": grams})


def _remove_item(form: Form, content: Content) -> None:
    del _meal(form, content)["items"][_place(form, "renglon")]


def _add_meal(form: Form, content: Content) -> None:
    day = content["days"][_place(form, "dia")]
    day["meals"].append({"name": form.text("nombre", most=80)})


def _remove_meal(form: Form, content: Content) -> None:
    del content["days"][_place(form, "dia")]["meals"][_place(form, "comida")]


def _add_day(form: Form, content: Content) -> None:
    """A new day with the meals of the one before it, to be changed."""
    days = content["days"]
    copied = days[-1]["meals"] if days else []
    days.append({"name": form.text("nombre", most=80), "meals": copied})


def _remove_day(form: Form, content: Content) -> None:
    del content["days"][_place(form, "dia")]


_STEPS: dict[str, Callable[[Form, Content], None]] = {
    "cabeza": _head,
    "agregar": _add_item,
    "quitar": _remove_item,
    "comida": _add_meal,
    "quitar-comida": _remove_meal,
    "dia": _add_day,
    "quitar-dia": _remove_day,
}


@router.post(PLAN + "/firmar")
@guarded
async def sign(
    request: Request,
    plan_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    form = await submitted(request)
    if not form.flag("respondo"):
        form.refuse("respondo", "error.required")
        return await _page(request, reader, scene, plan_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.sign_plan(connection, who, plan_id, form.raw("huella"))
    except AppError as error:
        again(error, scene)
        return await _page(request, reader, scene, plan_id, form, error)
    return see(f"{scene.plans}/{plan_id}?hecho=firmado")


@router.post(PLAN + "/terminar")
@guarded
async def end(
    request: Request,
    plan_id: UUID,
    scene: Scene = Depends(scene_of),
    reader: Reader = Depends(reader_of),
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.end_plan(connection, actor(request, reader.principal), plan_id)
    return see(f"{scene.plans}?hecho=terminado")
