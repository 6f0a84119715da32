"""Reading what people typed: clean values, problems per field, and the raw text kept to show again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import date, time
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl
from uuid import UUID

import phonenumbers
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from barberpro_app.kit.errors import AppError
from barberpro_app.kit.schemas import FIRST_YEAR, LAST_YEAR, Email
from barberpro_app.web.site.texts import Problem, problem

MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 200
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class FormTooLargeError(AppError):
    """The form is larger than this page accepts."""

    code = "too_large"
    status = 413


def clean(text: str, *, lines: bool = False) -> str:
    """Composed (NFC), without control and direction-changing characters, without outer space."""
    kept = "".join(
        sign
        for sign in unicodedata.normalize("NFC", text)
        if (lines and sign == "\n")
        or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return kept.strip() if lines else " ".join(kept.split())


class Form:
    """One submitted form. Each reader returns the clean value, or a harmless one and notes a problem."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self.values = values
        self.problems: dict[str, Problem] = {}

    @classmethod
    def empty(cls, **values: object) -> Form:
        """A form nobody has sent yet, with what its fields show at first."""
        return cls({key: [str(value)] for key, value in values.items() if value is not None})

    @property
    def ok(self) -> bool:
        return not self.problems

    def raw(self, name: str) -> str:
        """What was typed, to show again; the template escapes it."""
        return self.values.get(name, [""])[0]

    def several(self, name: str) -> list[str]:
        return self.values.get(name, [])

    def refuse(self, name: str, key: str, **values: object) -> None:
        """Notes the first problem of a field."""
        self.problems.setdefault(name, problem(key, **values))

    def text(
        self, name: str, *, most: int = 200, required: bool = True, lines: bool = False
    ) -> str:
        value = clean(self.raw(name), lines=lines)
        if not value and required:
            self.refuse(name, "error.required")
        if len(value) > most:
            self.refuse(name, "error.too_long", most=most)
            return ""
        return value

    def email(self, name: str, *, required: bool = True) -> str:
        value = self.text(name, most=254, required=required)
        if not value:
            return ""
        try:
            return _EMAIL.validate_python(value)
        except ValidationError:
            self.refuse(name, "error.email")
            return ""

    def phone(self, name: str, *, country: str, required: bool = True) -> str:
        """A phone number in E.164 form."""
        value = self.text(name, most=40, required=required)
        if not value:
            return ""
        try:
            number = phonenumbers.parse(value, country)
        except phonenumbers.NumberParseException:
            self.refuse(name, "error.phone")
            return ""
        if not phonenumbers.is_possible_number(number):
            self.refuse(name, "error.phone")
            return ""
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def integer(self, name: str, *, least: int, most: int) -> int:
        value = self.text(name, most=20)
        if not value:
            return least
        if not re.fullmatch(r"-?[0-9]{1,9}", value) or not least <= int(value) <= most:
            self.refuse(name, "error.integer", least=least, most=most)
            return least
        return int(value)

    def centavos(self, name: str, *, most: int = 100_000_000_00) -> int:
        """Money as people write it here or in English ("12.000", "12000,50") in integer centavos."""
        value = self.text(name, most=30).replace("$", "").replace(" ", "").replace("\u00a0", "")
        if not value:
            return 0
        if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d{1,2})?|\d+,\d{1,2}", value):
            value = value.replace(".", "").replace(",", ".")
        elif re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d{1,2})?", value):
            value = value.replace(",", "")
        try:
            amount = Decimal(value) * 100
        except InvalidOperation:
            self.refuse(name, "error.money")
            return 0
        if (
            not amount.is_finite()
            or amount != amount.to_integral_value()
            or not 0 <= amount <= most
        ):
            self.refuse(name, "error.money")
            return 0
        return int(amount)

    def clock(self, name: str, *, required: bool = True) -> time | None:
        value = self.text(name, most=8, required=required)
        if not value:
            return None
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value, re.ASCII):
            self.refuse(name, "error.time")
            return None
        return time(int(value.split(":")[0]), int(value.split(":")[1]))

    def day(self, name: str, *, required: bool = True, from_year: int = FIRST_YEAR) -> date | None:
        """A day that the API would take as well, by its years."""
        value = self.text(name, most=20, required=required)
        if not value:
            return None
        found = parse_day(value)
        if found is None or not from_year <= found.year <= LAST_YEAR:
            self.refuse(name, "error.date")
            return None
        return found

    def choice(self, name: str, options: Collection[str]) -> str:
        value = self.raw(name)
        if value not in options:
            self.refuse(name, "error.choice")
            return ""
        return value

    def key(self, name: str, *, required: bool = True) -> UUID | None:
        """The key of something chosen from a list."""
        value = self.raw(name)
        if not value and not required:
            return None
        found = parse_key(value)
        if found is None:
            self.refuse(name, "error.choice")
        return found

    def version(self) -> int | None:
        """The version of what the form was filled in for; None if it says none."""
        value = self.raw("version")
        return int(value) if re.fullmatch(r"[1-9][0-9]{0,8}", value) else None

    def flag(self, name: str) -> bool:
        return self.raw(name) == "1"


def parse_key(value: str) -> UUID | None:
    """A UUID from an address or a field; None for anything else."""
    try:
        return UUID(value) if len(value) == 36 else None
    except ValueError:
        return None


def parse_day(value: str) -> date | None:
    """An ISO day; None for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


async def read(request: Request) -> Form:
    """The submitted form (application/x-www-form-urlencoded), of limited size."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormTooLargeError
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise FormTooLargeError from error
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return Form(values)
