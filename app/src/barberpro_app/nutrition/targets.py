"""Energy and macronutrients for an adult, as a proposal to whoever writes the plan.

Resting energy by Mifflin and St Jeor (Mifflin MD, St Jeor ST, et al.: A new predictive equation for
resting energy expenditure in healthy individuals. Am J Clin Nutr 1990; 51: 241-247), in kcal a day:
10 kg + 6.25 cm - 5 years, + 5 for men, - 161 for women. Times the customary factors of physical
activity (1.2 to 1.9). To lose, 15 % less, and never less than the resting energy; to gain, 10 % more.
Protein 1.6 g per kg (within 1.4 to 2.0 for those who train: Jäger R et al., J Int Soc Sports Nutr
2017; 14: 20); fat 30 % of the energy; the rest carbohydrate; fibre 14 g per 1000 kcal (Institute of
Medicine, Dietary Reference Intakes, 2005).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Sex = Literal["female", "male"]
ActivityLevel = Literal["sedentary", "light", "moderate", "high", "very_high"]
Aim = Literal["lose", "keep", "gain"]

FACTORS: Mapping[ActivityLevel, float] = {
    "sedentary": 1.2,
    "light": 1.375,
    "moderate": 1.55,
    "high": 1.725,
    "very_high": 1.9,
}
AIMS: Mapping[Aim, float] = {"lose": 0.85, "keep": 1.0, "gain": 1.10}
ADULT = 18
PROTEIN_PER_KG, FAT_PART, FIBRE_PER_KCAL = 1.6, 0.30, 14 / 1000
#: kcal per gram (Atwater's general factors).
PROTEIN_KCAL, CARBOHYDRATE_KCAL, FAT_KCAL = 4, 4, 9


@dataclass(frozen=True, slots=True)
class Body:
    """Whom the targets are for."""

    sex: Sex
    years: int
    height_cm: float
    weight_kg: float
    activity: ActivityLevel
    aim: Aim


@dataclass(frozen=True, slots=True)
class DailyTargets:
    """A day's energy in kcal and nutrients in g, rounded."""

    resting_kcal: int
    kcal: int
    protein_g: int
    carbohydrate_g: int
    fat_g: int
    fibre_g: int


def resting_kcal(body: Body) -> float:
    """Mifflin and St Jeor, 1990."""
    constant = 5 if body.sex == "male" else -161
    return 10 * body.weight_kg + 6.25 * body.height_cm - 5 * body.years + constant


def daily_targets(body: Body) -> DailyTargets:
    """Raises `ValueError` for somebody under 18, whom the equation is not for."""
    if body.years < ADULT:
        raise ValueError("the equation is for adults")
    resting = max(resting_kcal(body), 0.0)
    kcal = max(resting * FACTORS[body.activity] * AIMS[body.aim], resting)
    # a heavy and sedentary person is not asked to eat more protein than a third of the energy
    protein = min(PROTEIN_PER_KG * body.weight_kg, kcal * 0.33 / PROTEIN_KCAL)
    fat = kcal * FAT_PART / FAT_KCAL
    rest = kcal - protein * PROTEIN_KCAL - fat * FAT_KCAL
    return DailyTargets(
        resting_kcal=round(resting),
        kcal=round(kcal),
        protein_g=round(protein),
        carbohydrate_g=round(max(rest, 0) / CARBOHYDRATE_KCAL),
        fat_g=round(fat),
        fibre_g=round(kcal * FIBRE_PER_KCAL),
    )


def years_between(born: date, day: date) -> int:
    """Whole years of age."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
