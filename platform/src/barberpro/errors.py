"""Errors as an operator reads them: what happened, where, how to mend it, and the exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line (DESIGN §10)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    LOCKED = 4
    CHANGES = 10
    INTERRUPTED = 130


class BarberProError(Exception):
    """The operation failed."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str = "", *, where: str = "", mend: str = "") -> None:
        self.what = what or (type(self).__doc__ or "").strip()
        self.where = where
        self.mend = mend
        super().__init__(self.what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.mend:
            lines.append(f"  mend: {self.mend}")
        return "\n".join(lines)


class InvalidInputError(BarberProError):
    """The request, a file or a flag is not valid."""

    exit_code = ExitCode.USAGE


class RefusedError(BarberProError):
    """A blocking finding refuses this plan."""

    exit_code = ExitCode.REFUSED


class LockedError(BarberProError):
    """Another run holds this deployment."""

    exit_code = ExitCode.LOCKED
