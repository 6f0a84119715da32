"""What is wrong with a catalog: each problem with its file, line and key, all told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from barberpro.errors import InvalidInputError

SHOWN = 30
Key = str | int
Path = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; lines count from 1, and 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    mark: Mark
    key: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.mark), self.key, self.what) if part)


class CatalogError(InvalidInputError):
    """The catalog is not valid."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(
            sorted(set(problems), key=lambda p: (p.mark.file, p.mark.line, p.key))
        )
        count = len(self.problems)
        lines = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if count > SHOWN:
            lines.append(f"  and {count - SHOWN} more")
        title = f"the catalog is not valid ({count} problem{'s' if count != 1 else ''}):"
        super().__init__(
            "\n".join([title, *lines]),
            where=str(self.problems[0].mark) if self.problems else "",
            mend="correct the files named above; catalog/schemas has a JSON Schema for each kind of file",
        )


def dotted(path: Path) -> str:
    """``("hours", 0, "from")`` as ``hours[0].from``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return shorten(text.removeprefix("."), 200)


def shorten(text: str, limit: int = 60) -> str:
    """One printable line of at most ``limit`` characters."""
    plain = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: limit + 1]
    )
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
