"""Defaults from files: the project's ``barberpro.toml`` over the user's ``config.toml``.

Precedence (DESIGN §10): flag, then environment ``BARBERPRO_<COMMAND>_<FLAG>``, then project file, then
user file. A file has one table per command: ``[deploy]`` with ``market = "small"``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from barberpro.errors import InvalidInputError

PROJECT_FILE = "barberpro.toml"
FORBIDDEN = ("password", "secret", "token", "key")


def defaults_from_files(
    project: Path, environment: Mapping[str, str]
) -> dict[str, dict[str, object]]:
    """A click ``default_map``: command -> parameter -> value."""
    merged: dict[str, dict[str, object]] = {}
    for path in (_user_file(environment), project / PROJECT_FILE):
        if path is None or not path.is_file():
            continue
        for command, values in _read(path).items():
            merged.setdefault(command, {}).update(values)
    return merged


def _user_file(environment: Mapping[str, str]) -> Path | None:
    base = environment.get("XDG_CONFIG_HOME")
    if base:
        return Path(base) / "barberpro" / "config.toml"
    home = environment.get("HOME")
    return Path(home) / ".config" / "barberpro" / "config.toml" if home else None


def _read(path: Path) -> dict[str, dict[str, object]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInputError(
            f"the settings file cannot be read: {error}",
            where=str(path),
            mend="correct or remove it",
        ) from error
    result: dict[str, dict[str, object]] = {}
    for command, values in tables.items():
        if not isinstance(values, dict):
            raise InvalidInputError(
                f"'{command}' stands outside a table",
                where=str(path),
                mend=f"write it in the table of its command, such as [deploy]\n{command} = ...",
            )
        result[command] = {_parameter(name, path): value for name, value in values.items()}
    return result


def _parameter(name: str, path: Path) -> str:
    if any(word in name.lower() for word in FORBIDDEN):
        raise InvalidInputError(
            f"'{name}' looks like a secret, and secrets do not belong in a settings file",
            where=str(path),
            mend="remove it; secrets are read from their own files or stdin",
        )
    return name.replace("-", "_")
