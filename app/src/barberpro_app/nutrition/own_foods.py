"""Foods that the table does not have, entered by a nutritionist with their source.

Changes need a transaction. A food that is offered no more stays known to the plans that have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.nutrition import foods, licences, repository
from barberpro_app.nutrition.errors import FoodSumsError, NutritionistNeededError
from barberpro_app.nutrition.foods import Food
from barberpro_app.nutrition.schemas import FoodDraft
from barberpro_app.nutrition.targets import CARBOHYDRATE_KCAL, FAT_KCAL, PROTEIN_KCAL

#: A label rounds, fibre has less energy than other carbohydrate, and alcohol is in none of the sums.
_MOST_GRAMS, _SLACK_KCAL, _SLACK_PART = 101.0, 25.0, 0.25


async def known(connection: Connection) -> Mapping[str, Food]:
    """Every food that a plan may have, by its key: of the table and of the business."""
    own = [foods.of_row(row) for row in await repository.own_foods(connection)]
    return {**foods.table(), **{food.key: food for food in own}}


async def offered(connection: Connection) -> list[Food]:
    """The foods to choose from; the business's own first."""
    own = [foods.of_row(row) for row in await repository.own_foods(connection) if row["active"]]
    return [*own, *foods.table().values()]


async def add(connection: Connection, actor: Actor, draft: FoodDraft) -> Food:
    """By a nutritionist. Raises `NutritionistNeededError`, `FoodSumsError`."""
    await _check(connection, actor)
    grams = draft.protein_g + draft.carbohydrate_g + draft.fat_g
    energy = (
        draft.protein_g * PROTEIN_KCAL
        + draft.carbohydrate_g * CARBOHYDRATE_KCAL
        + draft.fat_g * FAT_KCAL
    )
    slack = _SLACK_KCAL + _SLACK_PART * draft.kcal + 2.5 * draft.fibre_g
    too_little = energy - draft.kcal > slack
    if grams > _MOST_GRAMS or draft.fibre_g > draft.carbohydrate_g + 1 or too_little:
        raise FoodSumsError
    values = {**draft.model_dump(), "contains": sorted(set(draft.contains)),
              "by": actor.principal.name}  # fmt: skip
    row = await repository.add_food(connection, values)
    await record(connection, actor, "own_food.created", _object(row["id"]))
    return foods.of_row(row)


async def end(connection: Connection, actor: Actor, food_id: UUID) -> None:
    """Offers it no more. By a nutritionist. Raises `NutritionistNeededError`, `NotFoundError`."""
    await _check(connection, actor)
    if not await repository.end_food(connection, food_id):
        raise NotFoundError
    await record(connection, actor, "own_food.ended", _object(food_id))


async def _check(connection: Connection, actor: Actor) -> None:
    principal = actor.principal
    if principal.kind != "staff" or not await licences.may_sign(connection, principal.provider_id):
        raise NutritionistNeededError("Only a nutritionist whose licence is on file enters foods.")


def _object(food_id: UUID) -> AuditedObject:
    return AuditedObject("own_food", str(food_id))
