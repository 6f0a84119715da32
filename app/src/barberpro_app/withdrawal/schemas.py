"""Ending a service in the JSON API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Locale, Request


class EndingRequest(Request):
    """The language of the message with the code."""

    locale: Locale = "es-AR"


class Ending(Answer):
    """The tracking code of what was ended."""

    code: Annotated[str, Field(pattern=r"^B[2-9A-HJKMNP-TV-Z]{9}$")]
