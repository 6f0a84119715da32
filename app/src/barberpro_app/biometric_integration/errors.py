"""Refusals of activity files. A file is taken whole or not at all."""

from __future__ import annotations

from barberpro_app.kit.errors import ConflictError, InvalidRequestError


class FileRefusedError(InvalidRequestError):
    """This is not a file of activities that can be read (FIT, GPX, TCX or CSV)."""

    code = "file_unknown"
    field = "file"


class FileBrokenError(FileRefusedError):
    """The file is incomplete or damaged; send it again from the device. Nothing of it was kept."""

    code = "file_broken"


class FileUnsafeError(FileRefusedError):
    """The file unpacks to more than this accepts, or defines its own XML entities."""

    code = "file_unsafe"


class NoActivityError(FileRefusedError):
    """There is no activity in the file: a start and a duration are needed."""

    code = "file_no_activity"


class ImplausibleError(FileRefusedError):
    """An activity in the file cannot be: it lies in the future, or is longer than two days."""

    code = "file_implausible"


class AlreadyImportedError(ConflictError):
    """This was imported already."""

    code = "activity_duplicate"
    field = "file"
