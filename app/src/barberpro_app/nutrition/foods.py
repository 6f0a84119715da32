"""The table of foods: composition per 100 g of the edible part, as data with its source.

`foods.csv` is a selection from the USDA National Nutrient Database for Standard Reference, Release 28
(2015, slightly revised 2016; a work of the United States government, in the public domain), named row
by row with its number and description there. Energy is rounded to 1 kcal, the rest to 0.1 g. Names in
Spanish and what a food contains (for those who cannot eat it) are ours.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

SOURCES: Mapping[str, tuple[str, str]] = {
    "usda-sr28": (
        "USDA National Nutrient Database for Standard Reference, Release 28",
        "public domain (US government work)",
    ),
    "own": ("entered by a nutritionist of this business, with its source", "of the source"),
}
CONTAINS = ("gluten", "milk", "egg", "fish", "nuts", "peanut")


@dataclass(frozen=True, slots=True)
class Food:
    """One row; grams of nutrients and kilocalories per 100 g."""

    key: str
    group: str
    names: Mapping[str, str]
    kcal: float
    protein_g: float
    carbohydrate_g: float
    fat_g: float
    fibre_g: float
    contains: tuple[str, ...]
    source: str
    source_id: str
    source_name: str


@cache
def table() -> Mapping[str, Food]:
    """Every food by its key, in the order of the file."""
    text = files(__package__).joinpath("foods.csv").read_text(encoding="utf-8")
    found = [_food(row) for row in csv.DictReader(io.StringIO(text))]
    return {food.key: food for food in found}


def _food(row: Mapping[str, str]) -> Food:
    return Food(
        key=row["key"],
        group=row["group"],
        names={"es-AR": row["es"], "en": row["en"]},
        kcal=float(row["kcal"]),
        protein_g=float(row["protein_g"]),
        carbohydrate_g=float(row["carbohydrate_g"]),
        fat_g=float(row["fat_g"]),
        fibre_g=float(row["fibre_g"]),
        contains=tuple(row["contains"].split()),
        source=row["source"],
        source_id=row["source_id"],
        source_name=row["source_name"],
    )


def of_row(row: Mapping[str, Any]) -> Food:
    """A food that a nutritionist of this business entered."""
    return Food(
        key=f"own-{row['id']}",
        group="own",
        names={"es-AR": row["name"], "en": row["name"]},
        kcal=float(row["kcal"]),
        protein_g=float(row["protein_g"]),
        carbohydrate_g=float(row["carbohydrate_g"]),
        fat_g=float(row["fat_g"]),
        fibre_g=float(row["fibre_g"]),
        contains=tuple(row["contains"]),
        source="own",
        source_id="",
        source_name=row["source"],
    )


def search(foods: Iterable[Food], text: str, locale: str) -> list[Food]:
    """Foods with every word of the text at the beginning of a word of the name; all for no text."""
    words = _plain(text).split()
    found = []
    for food in foods:
        parts = _plain(food.names.get(locale, food.names["en"])).split()
        if all(any(part.startswith(word) for part in parts) for word in words):
            found.append(food)
    return found


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(sign if sign.isalnum() else " " for sign in letters
                   if not unicodedata.combining(sign))  # fmt: skip
