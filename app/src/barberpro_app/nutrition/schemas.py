"""Nutrition in the JSON API. Grams, kilocalories, centimetres, kilograms."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from barberpro_app.kit.schemas import Answer, Day, Instant, Line, Request, Sentence, only_text
from barberpro_app.nutrition.targets import ActivityLevel, Aim, Sex

Contained = Literal["gluten", "milk", "egg", "fish", "nuts", "peanut"]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FoodKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Gram = Annotated[float, Field(ge=0, le=100)]
BirthDay = Annotated[date, BeforeValidator(only_text), Field(ge=date(1900, 1, 1))]
Label = Annotated[Line, Field(min_length=1, max_length=80)]


class FoodShown(Answer):
    """A food with its composition per 100 g, and where that comes from."""

    key: str
    group: str
    names: dict[str, str]
    kcal: float
    protein_g: float
    carbohydrate_g: float
    fat_g: float
    fibre_g: float
    contains: list[str]
    source: str
    source_id: str
    source_name: str


class FoodDraft(Request):
    """A food of one's own, per 100 g of the edible part; `source` says where the figures are from."""

    name: Label
    kcal: Annotated[float, Field(ge=0, le=900)]
    protein_g: Gram
    carbohydrate_g: Gram
    fat_g: Gram
    fibre_g: Gram
    contains: Annotated[list[Contained], Field(default_factory=list, max_length=6)]
    source: Annotated[Line, Field(min_length=3, max_length=200)]


class FoodSource(Answer):
    """Where a table comes from, and on what terms."""

    key: str
    name: str
    licence: str


class FoodList(Answer):
    """Foods in the order of the table."""

    items: list[FoodShown]
    sources: list[FoodSource]


class NutritionProfileDraft(Request):
    """What a plan is made from."""

    born_on: BirthDay
    sex: Sex
    height_cm: Annotated[float, Field(ge=80, le=250)]
    weight_kg: Annotated[float, Field(ge=20, le=400)]
    activity: ActivityLevel
    aim: Aim
    avoids: Annotated[list[Contained], Field(default_factory=list, max_length=6)]
    note: Annotated[Sentence, Field(max_length=1000)] = ""


class NutritionProfile(Answer):
    """What a person told for the plan."""

    born_on: date
    sex: Sex
    height_cm: float
    weight_kg: float
    activity: ActivityLevel
    aim: Aim
    avoids: list[str]
    note: str
    updated_at: Instant


class NutritionTargets(Answer):
    """A proposal by Mifflin and St Jeor (1990) for an adult's day."""

    resting_kcal: int
    kcal: int
    protein_g: int
    carbohydrate_g: int
    fat_g: int
    fibre_g: int


class MealItemDraft(Request):
    """So many grams of a food."""

    food: FoodKey
    grams: Annotated[int, Field(ge=1, le=3000)]
    note: Annotated[Line, Field(max_length=120)] = ""


class MealDraft(Request):
    """A meal of a day."""

    name: Label
    items: Annotated[list[MealItemDraft], Field(default_factory=list, max_length=30)]


class PlanDayDraft(Request):
    """One day, or one kind of day."""

    name: Label
    meals: Annotated[list[MealDraft], Field(default_factory=list, max_length=10)]


class MealPlanDraft(Request):
    """A whole plan; `target_kcal` is what its author aims at."""

    title: Label
    note: Annotated[Sentence, Field(max_length=2000)] = ""
    target_kcal: Annotated[int, Field(ge=500, le=10_000)] | None = None
    days: Annotated[list[PlanDayDraft], Field(default_factory=list, max_length=14)]


class MealPlanChange(MealPlanDraft):
    """A change of the version whose hash was read."""

    read_sha256: Hash


class SignRequest(Request):
    """Signs the version whose hash was read."""

    sha256: Hash


class Sums(Answer):
    """Energy in kcal and nutrients in g."""

    kcal: float
    protein_g: float
    carbohydrate_g: float
    fat_g: float
    fibre_g: float


class MealItem(Answer):
    """So many grams of a food, with what is in them; the composition is kept with the plan."""

    food: str
    names: dict[str, str]
    grams: int
    note: str
    contains: list[str]
    sums: Sums


class Meal(Answer):
    """A meal."""

    name: str
    items: list[MealItem]
    sums: Sums


class PlanDay(Answer):
    """A day with its sums."""

    name: str
    meals: list[Meal]
    sums: Sums


class PlanSignature(Answer):
    """Who signed a version, under which licence, when."""

    signer_name: str
    licence_number: str
    jurisdiction: str
    signed_at: Instant


class MealPlan(Answer):
    """One version of a plan. The person sees signed versions only."""

    id: UUID
    client_id: UUID
    number: int
    latest: int
    ended: bool
    title: str
    note: str
    target_kcal: int | None
    days: list[PlanDay]
    sha256: str
    author_name: str
    created_at: Instant
    signature: PlanSignature | None


class MealPlanHead(Answer):
    """A plan in a list: its latest version that the reader may see."""

    id: UUID
    number: int
    title: str
    ended: bool
    created_at: Instant
    signed_at: Instant | None


class MealPlans(Answer):
    """Newest first."""

    items: list[MealPlanHead]


class NutritionistDraft(Request):
    """The licence of a nutritionist, as an owner or manager saw it."""

    licence_number: Annotated[
        Line, Field(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z./ -]+$")
    ]
    jurisdiction: Annotated[Line, Field(min_length=2, max_length=80)]
    valid_until: Day | None = None


class Nutritionist(Answer):
    """Who may sign; `may_sign` is false when the licence, or its verification, is over."""

    provider_id: UUID
    name: str
    licence_number: str
    jurisdiction: str
    valid_until: date | None
    entered_by: str
    may_sign: bool


class Nutritionists(Answer):
    """Those whose licence is on file."""

    items: list[Nutritionist]
