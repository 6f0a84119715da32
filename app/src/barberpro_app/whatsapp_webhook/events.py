"""A notification taken apart: messages and reports, each with the name that tells doubles apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

STATUSES = {"sent", "delivered", "read", "failed"}
_LONGEST_NAME = 256
_NUMBER = re.compile(r"[0-9]{6,20}")
#: Of a notification; Meta sends at most a few at once.
MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """`document` is what the worker needs of it, and no more."""

    id: str
    kind: Literal["message", "status", "template"]
    document: dict[str, Any]


def events_of(raw: bytes, number_id: str, account_id: str = "") -> list[Event]:
    """The events for our number, and of the templates of our account where it is known; what is not
    in the documented form is left out."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    found: list[Event] = []
    for value in _values(body):
        metadata = value.get("metadata")
        if not isinstance(metadata, dict) or metadata.get("phone_number_id") != number_id:
            continue
        found.extend(_messages(value))
        found.extend(_statuses(value))
    if account_id:
        found.extend(_templates(body, account_id))
    return found[:MOST_EVENTS]


def _templates(body: Any, account_id: str) -> Iterator[Event]:
    """ "message_template_status_update": only which one it is about; what became of it is asked for."""
    for entry in _objects(body, "entry"):
        if _text(entry, "id") != account_id:
            continue
        for change in _objects(entry, "changes"):
            if change.get("field") != "message_template_status_update":
                continue
            value = change.get("value")
            name, language = (
                _text(value, f"message_template_{key}") for key in ("name", "language")
            )
            event, at = _text(value, "event"), entry.get("time")
            if 1 <= len(name) <= 100 and 1 <= len(language) <= 20 and isinstance(at, int):
                told = f"template:{name}:{language}:{event[:40]}:{at % 10**12}"
                yield Event(told, "template", {"name": name, "language": language})


def _values(body: Any) -> Iterator[dict[str, Any]]:
    for entry in _objects(body, "entry"):
        for change in _objects(entry, "changes"):
            value = change.get("value")
            if change.get("field") == "messages" and isinstance(value, dict):
                yield value


def _messages(value: dict[str, Any]) -> Iterator[Event]:
    for message in _objects(value, "messages"):
        name, sender = _text(message, "id"), _text(message, "from")
        if not 1 <= len(name) <= _LONGEST_NAME or not _NUMBER.fullmatch(sender):
            continue
        document = {
            "from": sender,
            "at": _text(message, "timestamp"),
            "type": _text(message, "type"),
            "text": _nested(message, "text", "body")[:1000],
            "pressed": _nested(message, "button", "payload")
            or _deep(message, "interactive", "button_reply", "id"),
        }
        yield Event(name, "message", document)


def _statuses(value: dict[str, Any]) -> Iterator[Event]:
    for status in _objects(value, "statuses"):
        name, state = _text(status, "id"), _text(status, "status")
        if not 1 <= len(name) <= _LONGEST_NAME or state not in STATUSES:
            continue
        errors = _objects(status, "errors")
        first: dict[str, Any] = next(errors, {})
        pricing = status.get("pricing")
        pricing = pricing if isinstance(pricing, dict) else {}
        document = {
            "wamid": name,
            "status": state,
            "at": _text(status, "timestamp"),
            "recipient": _text(status, "recipient_id"),
            "message_id": _text(status, "biz_opaque_callback_data"),
            "error": {"code": first.get("code"), "title": _text(first, "title")[:150]}
            if first
            else None,
            "category": _text(pricing, "category"),
            "billable": pricing.get("billable") is True,
        }
        yield Event(f"{name}:{state}", "status", document)


def _objects(parent: Any, key: str) -> Iterator[dict[str, Any]]:
    items = parent.get(key) if isinstance(parent, dict) else None
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def _text(parent: Any, key: str) -> str:
    value = parent.get(key) if isinstance(parent, dict) else None
    # a NUL cannot be stored, and no name or text has one
    return value if isinstance(value, str) and "\0" not in value and _storable(value) else ""


def _storable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return len(value) <= 65_536


def _nested(parent: dict[str, Any], key: str, inner: str) -> str:
    return _text(parent.get(key), inner)


def _deep(parent: dict[str, Any], *keys: str) -> str:
    value: Any = parent
    for key in keys[:-1]:
        value = value.get(key) if isinstance(value, dict) else None
    return _text(value, keys[-1])[:_LONGEST_NAME]
