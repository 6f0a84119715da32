"""What each stage stands on: the home, the records, the app that is deployed, its command line."""

from __future__ import annotations

from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.planning.model import Plan
from barberpro.targets.local import releases
from barberpro.targets.local.console import Consoles
from barberpro.targets.local.files import told_to_operator
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.state import Deployment, Revision


class Basis:
    """``app`` is the folder of the app's package, by default the one that this installation contains."""

    def __init__(self, platform: LocalPlatform, app: Path | None = None) -> None:
        self.platform = platform
        self.app = app
        self.layout, self.store = platform.layout, platform.store
        self.consoles = Consoles(platform.layout)

    def snapshot(self) -> str:
        """The name of the release that is deployed now, copied beside the state."""
        with told_to_operator("Making the release"):
            self.layout.prepare_home()
            return releases.snapshot(
                self.app or releases.app_source(), self.layout.home / "releases"
            )

    def revision(self, plan: Plan, number: int) -> tuple[Deployment, Revision]:
        record = self.store.required(plan.deployment_id)
        if number not in record.revisions:
            raise BarberProError(
                f"{record.id} has no revision {number} on this machine.", where=record.id,
                mend="deploy again: the run makes it",
            )  # fmt: skip
        return record, record.revisions[number]
