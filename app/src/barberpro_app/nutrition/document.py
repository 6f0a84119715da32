"""A plan as it is kept: canonical JSON with the composition of its foods, so that a signature is for
what the person will read, whatever becomes of the table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from barberpro_app.nutrition.errors import FoodUnknownError, PlanTooLargeError
from barberpro_app.nutrition.foods import Food
from barberpro_app.nutrition.schemas import (
    Meal,
    MealItem,
    MealItemDraft,
    MealPlanDraft,
    PlanDay,
    Sums,
)

_FIGURES = ("kcal", "protein_g", "carbohydrate_g", "fat_g", "fibre_g")
LONGEST = 180_000


def written(draft: MealPlanDraft, foods: Mapping[str, Food]) -> str:
    """The text that is kept and signed, of foods by their keys. Raises `FoodUnknownError`, `PlanTooLargeError`."""
    content = {
        "title": draft.title,
        "note": draft.note,
        "target_kcal": draft.target_kcal,
        "days": [
            {"name": day.name, "meals": [
                {"name": meal.name, "items": [_item(item, foods) for item in meal.items]}
                for meal in day.meals
            ]}
            for day in draft.days
        ],
    }  # fmt: skip
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if len(text) > LONGEST:
        raise PlanTooLargeError
    return text


def _item(item: MealItemDraft, foods: Mapping[str, Food]) -> dict[str, Any]:
    food = foods.get(item.food)
    if food is None:
        raise FoodUnknownError(f"There is no food {item.food} in the table.")
    return {
        "food": food.key,
        "names": dict(food.names),
        "grams": item.grams,
        "note": item.note,
        "contains": list(food.contains),
        "per_100_g": {name: getattr(food, name) for name in _FIGURES},
        "source": f"{food.source} {food.source_id or food.source_name}",
    }


def days_of(content: Mapping[str, Any]) -> list[PlanDay]:
    """The days with their sums."""
    days = []
    for day in content["days"]:
        meals = []
        for meal in day["meals"]:
            items = [_shown(item) for item in meal["items"]]
            sums = add_up(item.sums for item in items)
            meals.append(Meal(name=meal["name"], items=items, sums=sums))
        days.append(PlanDay(name=day["name"], meals=meals, sums=add_up(m.sums for m in meals)))
    return days


def _shown(item: Mapping[str, Any]) -> MealItem:
    part = item["grams"] / 100
    return MealItem(
        food=item["food"],
        names=item["names"],
        grams=item["grams"],
        note=item["note"],
        contains=item["contains"],
        sums=Sums(**{name: round(item["per_100_g"][name] * part, 1) for name in _FIGURES}),
    )


def add_up(parts: Iterable[Sums]) -> Sums:
    """Sums of sums, to a tenth."""
    found = list(parts)
    return Sums(**{name: round(sum(getattr(p, name) for p in found), 1) for name in _FIGURES})


def contained(content: Mapping[str, Any]) -> set[str]:
    """What is in the plan that somebody may not eat."""
    return {
        part
        for day in content["days"]
        for meal in day["meals"]
        for item in meal["items"]
        for part in item["contains"]
    }
