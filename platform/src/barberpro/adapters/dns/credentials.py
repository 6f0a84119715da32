"""The credentials of a DNS provider: a JSON file that only its owner can read, never a flag."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from barberpro.errors import InvalidInputError

C = TypeVar("C", bound="Credentials")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def read_credentials(path: Path, kind: type[C]) -> C:
    """The file's content as ``kind``. Raises ``InvalidInputError`` that names file and key, and
    never shows a value."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"the credentials cannot be read: {error}", where=str(path), mend=_shape(kind)
        ) from error
    if mode & OTHERS:
        raise InvalidInputError(
            "others on this machine can read the credentials",
            where=str(path),
            mend=f"chmod 600 {path}",
        )
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidInputError(
            f"the credentials are not valid: {key}: {first['msg']}",
            where=str(path),
            mend=_shape(kind),
        ) from error


def _shape(kind: type[Credentials]) -> str:
    keys = {
        name: "..." if field.is_required() else field.default
        for name, field in kind.model_fields.items()
    }
    return f"a JSON file of the form {json.dumps(keys)}"
