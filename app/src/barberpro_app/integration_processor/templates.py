"""The message templates that Meta has to approve, and messages made of them.

Meta's rules (developers.facebook.com, WhatsApp, "Message templates"): a business begins a
conversation with an approved template only; a parameter has no line end, no tab and no four spaces;
a quick reply gives its `payload` back when it is pressed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from uuid import UUID

from barberpro_app.kit.links import BookingLinks
from barberpro_app.notification.compose import OutgoingMessage, UnsendableError
from barberpro_app.notification.texts import Texts, match_locale
from barberpro_app.notification.values import BookingValues
from barberpro_app.settings import AppConfiguration

_LANGUAGES = {"es-AR": "es_AR", "en": "en"}
_BUTTONS = {
    "es_AR": {"confirm": "Confirmo", "reschedule": "Cambiar", "cancel": "Cancelar"},
    "en": {"confirm": "I am coming", "reschedule": "Change", "cancel": "Cancel"},
}
_LONGEST_PARAMETER = 200
_LONGEST_TEXT = 4096
_PLACES = re.compile(r"\{\{(\d)\}\}")
_EXAMPLES = ("Clara", "turno", "Nombre del local", "martes 1 de diciembre, 15:30", "Corte",
             "Martín", "ABCD2345")  # fmt: skip
_NEUTRAL_EXAMPLES = ("martes 1 de diciembre, 15:30", "ABCD2345")
_DAYS = ("martes 1 de diciembre", "viernes 4 de diciembre")
_WAITING = "waiting_"
_WAITING_EXAMPLES = ("Clara", "Nombre del local", "Corte", *_DAYS)


def load_templates() -> dict[str, dict[str, Any]]:
    """Name -> its text by language, and which buttons it has."""
    text = files(__package__).joinpath("templates.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def definitions(*, neutral: bool) -> list[dict[str, Any]]:
    """The templates in the form in which Meta's API takes them for approval."""
    return [
        {"name": name, "language": language, "category": "UTILITY",
         "components": _components(template, language, _examples(name, neutral=neutral))}
        for name, template in load_templates().items()
        if name.endswith("_neutral") == neutral
        for language in _BUTTONS
    ]  # fmt: skip


def _examples(name: str, *, neutral: bool) -> list[str]:
    if name.startswith(_WAITING):
        return list(_DAYS if neutral else _WAITING_EXAMPLES)
    return list(_NEUTRAL_EXAMPLES if neutral else _EXAMPLES)


def _components(
    template: Mapping[str, Any], language: str, examples: list[str]
) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"type": "BODY", "text": template[language], "example": {"body_text": [examples]}}
    ]
    if template["buttons"]:
        words = _BUTTONS[language]
        parts.append({
            "type": "BUTTONS",
            "buttons": [{"type": "QUICK_REPLY", "text": words[name]}
                        for name in template["buttons"]],
        })  # fmt: skip
    return parts


class WhatsAppComposer:
    """Makes the bodies of `POST /{phone-number-id}/messages` of one deployment."""

    def __init__(self, app: AppConfiguration, links: BookingLinks) -> None:
        self._app = app
        self._links = links
        self._neutral = app.compliance.health_data
        self._values = BookingValues(app, links)
        self._texts = Texts(app.words, neutral=self._neutral)
        self._templates = load_templates()

    def compose(self, message: OutgoingMessage, to: str) -> dict[str, Any]:
        """`biz_opaque_callback_data` comes back in every report about the message. Raises
        `UnsendableError`."""
        try:
            content = (
                self._reply(message.payload)
                if message.kind == "whatsapp_reply"
                else self._template(message)
            )
        except (KeyError, ValueError, TypeError) as error:
            raise UnsendableError(f"{type(error).__name__}: {message.kind}") from error
        return {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to,
            **content,
            "biz_opaque_callback_data": str(message.id),
        }

    def _reply(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        body = str(payload["text"])[:_LONGEST_TEXT]
        content: dict[str, Any] = {"type": "text", "text": {"body": body, "preview_url": False}}
        if payload.get("to"):
            content["context"] = {"message_id": payload["to"]}
        return content

    def _template(self, message: OutgoingMessage) -> dict[str, Any]:
        locale = match_locale(message.locale, self._app.locale)
        name = f"{message.kind}_neutral" if self._neutral else message.kind
        template = self._templates[name]
        waiting = message.kind.startswith(_WAITING)
        shown = (self._waiting if waiting else self._parameters)(message.payload, locale)
        parameters = [{"type": "text", "text": value} for value in shown]
        token = self._links.token(UUID(message.payload["id"]))
        buttons = [
            {"type": "button", "sub_type": "quick_reply", "index": str(index),
             "parameters": [{"type": "payload", "payload": f"{action}:{token}"}]}
            for index, action in enumerate(template["buttons"])
        ]  # fmt: skip
        return {
            "type": "template",
            "template": {
                "name": name,
                "language": {"code": _LANGUAGES[locale]},
                "components": [{"type": "body", "parameters": parameters}, *buttons],
            },
        }

    def _waiting(self, entry: Mapping[str, Any], locale: str) -> list[str]:
        values = self._values.waiting(entry, locale)
        days = (values["first"], values["last"])
        if self._neutral:
            return [_parameter(day) for day in days]
        shown = (values["name"], self._app.brand.name, values["service"], *days)
        return [_parameter(value) for value in shown]

    def _parameters(self, booking: Mapping[str, Any], locale: str) -> list[str]:
        values = self._values.booking(booking, locale)
        if self._neutral:
            return [_parameter(values["when"]), _parameter(values["code"])]
        word = self._texts.words(locale)["booking"]
        shown = (values["name"], word, self._app.brand.name, values["when"], values["service"],
                 values["provider"], values["code"])  # fmt: skip
        return [_parameter(value) for value in shown]


def _parameter(value: str) -> str:
    """One line; an empty one is refused by Meta."""
    return " ".join(str(value).split())[:_LONGEST_PARAMETER] or "–"


def places(text: str) -> int:
    """How many parameters a template's text takes."""
    return len(set(_PLACES.findall(text)))
