"""Channels and consents as the API shows and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from barberpro_app.kit.schemas import Answer, Line, Request

Channel = Literal["email", "whatsapp"]
Source = Literal["page", "staff", "api", "message", "booking"]


class ContactChannel(Answer):
    """How a client may be reached. `problem`: why nothing is sent there any more."""

    channel: Channel
    address: str
    agreed: bool
    preferred: bool
    problem: str | None
    updated_at: datetime


class ChannelConsent(Answer):
    """One yes or no, with the text that it answers."""

    channel: Channel
    given: bool
    source: Source
    text_version: str
    at: datetime


class ContactChannels(Answer):
    """The channels of a client, and what was agreed to, newest first."""

    channels: list[ContactChannel]
    consents: list[ChannelConsent]


class ChannelChange(Request):
    """A yes or no to a channel. `address`: for a yes to WhatsApp the mobile number, in any usual
    form. `text_version`: the text that was shown."""

    agreed: bool
    preferred: bool = True
    address: Annotated[Line, Field(min_length=3, max_length=254)] | None = None
    text_version: Annotated[Line, Field(min_length=1, max_length=40)]
