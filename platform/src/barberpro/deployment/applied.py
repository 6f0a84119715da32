"""The plan that a deployment runs, as a file beside it: readable while no server runs.

The registry is the record of all revisions; this copy is what ``plan`` and ``--dry-run`` compare
with. It is written by the run that activates the revision, and taken back when that is undone.
"""

from __future__ import annotations

import os
from pathlib import Path

from barberpro.deployment.documents import revision_folder
from barberpro.errors import BarberProError
from barberpro.planning.model import Plan
from barberpro.planning.plans import plan_document, plan_from_json


def plan_file(documents: Path, revision: int) -> Path:
    return revision_folder(documents, revision) / "plan.json"


def write_applied(documents: Path, revision: int, plan: Plan) -> None:
    """Writes the plan of ``revision`` whole or not at all."""
    path = plan_file(documents, revision)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(plan_document(plan), encoding="utf-8")
    os.replace(scratch, path)


def read_applied(documents: Path, revision: int) -> Plan | None:
    """The plan of ``revision``; None where there is no such file."""
    path = plan_file(documents, revision)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BarberProError(
            f"the plan that runs cannot be read: {error}",
            where=str(path),
            mend="deploy again to write it anew",
        ) from error
    return plan_from_json(text)
