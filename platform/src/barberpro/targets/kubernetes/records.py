"""What this operator remembers of a deployment on a cluster: which cluster, with what values, and
which Helm revision each of its own revisions is. The cluster holds everything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from barberpro.errors import BarberProError, InvalidInputError
from barberpro.planning.model import Plan
from barberpro.targets.local.files import private_folder, remove, write_atomic


class Record(BaseModel):
    """``context`` is the name of the kube context (empty inside a cluster). ``values`` are laid over
    the plan's. ``sections`` are keys of app.json that stage 4 wrote, by revision; ``helm`` maps a
    revision to Helm's. ``served`` are image and values of the revisions that went live: an undo goes back to them."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    schema_version: Literal[1] = 1
    id: str
    context: str
    image: str
    values: dict[str, Any] = {}
    database_mode: str = ""
    sections: dict[int, dict[str, Any]] = {}
    applied: dict[int, str] = {}
    helm: dict[int, int] = {}
    served: dict[int, tuple[str, dict[str, Any]]] = {}
    live: int | None = None
    previous: int | None = None
    stopped: bool = False
    destroying: bool = False
    backup: str | None = None


def public_host(plan: Plan, public: object) -> str:
    """The name that the public way of these values (``public`` of the chart) leads to; empty where none
    is asked for, or where there is no public name: no authority certifies ``*.localhost``."""
    if not isinstance(public, Mapping) or public.get("kind", "none") == "none":
        return ""
    return str(public.get("host") or plan.network.domain or "")


class Records:
    """Small JSON files below one folder, private to this user: the values may hold credentials."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "kubernetes"

    def folder(self, deployment: str) -> Path:
        return self._folder / deployment

    def find(self, deployment: str) -> Record | None:
        path = self._path(deployment)
        if not path.exists():
            return None
        try:
            return Record.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise BarberProError(
                f"the record of a deployment cannot be read: {error.errors()[0]['msg']}",
                where=str(path),
                mend="this BarberPro may be older than the one that wrote it: use the newer one",
            ) from error

    def required(self, deployment: str) -> Record:
        """Raises ``InvalidInputError`` where nothing of this name was deployed from here."""
        found = self.find(deployment)
        if found is None:
            raise InvalidInputError(
                f"there is no deployment {deployment!r} on a cluster, as far as is known here",
                where=str(self._folder),
                mend="barberpro list shows those that there are",
            )
        return found

    def save(self, record: Record) -> None:
        private_folder(self._folder)
        private_folder(self.folder(record.id))
        write_atomic(self._path(record.id), record.model_dump_json(indent=1))

    def all(self) -> list[Record]:
        names = sorted(path.parent.name for path in self._folder.glob("*/record.json"))
        return [self.required(name) for name in names]

    def remove(self, deployment: str) -> None:
        remove(self.folder(deployment))
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _path(self, deployment: str) -> Path:
        return self.folder(deployment) / "record.json"
