"""The e-mail server that holds: the one that the owner typed, whole, or else the operator's.

The parts are kept as one value, so that a password of the operator's can never go to a server that
somebody typed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from barberpro_app.kit.logging import get_logger
from barberpro_app.settings import Mail, Secret, Settings

KEY = "mail-server"
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MailServer:
    """`typed`: by the owner, so that it must be on the public Internet unless `own_network`.
    `answered`: what it said to the last trial, of a typed one."""

    mail: Mail
    password: Secret | None = None
    typed: bool = False
    own_network: bool = False
    answered: str = ""

    def same_as(self, other: MailServer | None) -> bool:
        """Whether messages go the same way; secrets are objects and are compared by what they say."""
        return other is not None and self._parts() == other._parts()

    def _parts(self) -> tuple[object, ...]:
        return self.mail, self.password and self.password.reveal(), self.typed, self.own_network

    def sealed(self) -> str:
        """As it is kept."""
        parts = self.mail.model_dump(by_alias=True)
        parts["password"] = self.password.reveal() if self.password else ""
        return json.dumps({**parts, "answered": self.answered}, ensure_ascii=True)


def in_force(settings: Settings) -> MailServer | None:
    """None where nobody set one up: messages wait."""
    secrets, app = settings.secrets, settings.app
    kept = secrets.optional(KEY)
    if kept is not None:
        try:
            return _read(kept.reveal(), own_network=app.calendars.own_network)
        except (ValueError, TypeError, KeyError, ValidationError):
            log.warning("sealed_setting_unreadable", key=KEY)
    if app.mail is None:
        return None
    return MailServer(app.mail, secrets.optional("smtp-password"))


def _read(text: str, *, own_network: bool) -> MailServer:
    parts: dict[str, Any] = json.loads(text)
    password, answered = str(parts.pop("password")), str(parts.pop("answered"))
    return MailServer(
        Mail.model_validate(parts), Secret(password) if password else None, typed=True,
        own_network=own_network, answered=answered,
    )  # fmt: skip
