"""Telephone numbers as WhatsApp takes them: digits with the country code.

Argentina's mobile numbers are written in many ways; abroad, and in WhatsApp, they are 54 9 and ten
digits. Without the 9 or the 15 a number cannot be told from a fixed line (ITU-T E.164, plan of
ENACOM): where somebody says that WhatsApp is there, it is a mobile.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

_ARGENTINA = 54
_LONG = re.compile(r"[0-9]{11,15}")
_DIGITS = re.compile(r"[0-9]{8,15}")


def whatsapp_number(text: str, country: str) -> str | None:
    """The number of a mobile as digits; None if it cannot be one. `country` (ISO 3166) is what a
    number without a country code is of."""
    text = text.strip()
    digits = re.sub(r"\D", "", text)
    # wa.me and Meta write the country code without "+"
    candidates = [f"+{digits}", text] if _LONG.fullmatch(text) else [text]
    for candidate in candidates:
        found = _parse(candidate, country)
        if found is not None:
            return found
    return None


def _parse(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")
    fixed = phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE
    if number.country_code == _ARGENTINA and fixed:
        digits = f"549{digits.removeprefix('54')}"
    return digits if _DIGITS.fullmatch(digits) else None


def same_number(one: str, other: str) -> bool:
    """Whether two forms in digits are the same telephone: with the Argentine 9 or without."""
    return _without_nine(one) == _without_nine(other)


def to_send(address: str, *, drop_nine: bool) -> str:
    """The form for Meta; `drop_nine` for the numbers of its test accounts."""
    return _without_nine(address) if drop_nine else address


def _without_nine(digits: str) -> str:
    mobile = digits.startswith("549") and len(digits) == 13
    return f"54{digits[3:]}" if mobile else digits


def country_of(digits: str) -> str:
    """ISO 3166 code of a number in digits, "" if it has none."""
    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(number) or ""
