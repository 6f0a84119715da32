"""What each stage stands on: where a deployment is, what its release is given, one more release of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from barberpro.kube.contexts import Context, choose
from barberpro.kube.reader import Reader
from barberpro.planning.model import Plan
from barberpro.targets.kubernetes.front import Front
from barberpro.targets.kubernetes.helm import HalfDoneError, Helm
from barberpro.targets.kubernetes.reading import digest_of, image_of, named, whatever
from barberpro.targets.kubernetes.records import Record, Records, public_host
from barberpro.targets.kubernetes.site import Site
from barberpro.targets.kubernetes.values import Installation, Values, laid_over, make_values

ROLLOUT_SECONDS, HOOK_SECONDS = 600.0, 600.0
Say = Callable[[str], None]


def quiet(_line: str) -> None:
    """For a caller that shows no progress."""


class Releases:
    """The releases of the deployments of one operator. ``say`` hears how waits stand; ``fronts`` are
    the ways to them that are open from this machine. ``many``: many of them are changed or looked at by
    this process, which is made quicker for that."""

    def __init__(self, home: Path, chart: Path, say: Say = quiet) -> None:
        self.records = Records(home)
        self.say = say
        self.fronts: dict[str, Front] = {}
        self.many = False
        self._readers: dict[str, Reader] = {}
        self._lock = threading.Lock()
        self._chart = chart

    @staticmethod
    def context(record: Record) -> Context:
        return choose(record.context or None)

    def site(self, record: Record) -> Site:
        context = self.context(record)
        return Site.of(context, record.id, self._reader(context) if self.many else None)

    def _reader(self, context: Context) -> Reader:
        """One for all deployments of a cluster."""
        with self._lock:
            found = self._readers.get(context.name)
            if found is None:
                found = self._readers[context.name] = Reader(context)
            return found

    def close(self) -> None:
        """This process is done with all of them."""
        for deployment in list(self.fronts):
            self.close_front(deployment)
        with self._lock:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()

    def helm(self, record: Record) -> Helm:
        return Helm(self.context(record), record.id, self._chart)

    def release(self, record: Record, plan: Plan, revision: int) -> None:
        """One more Helm revision; what a killed helm left half done is healed where it is in the way."""
        site, helm = self.site(record), self.helm(record)
        site.end_migrations()
        values = self.values(record, plan, revision)

        def upgrade() -> int:
            return helm.upgrade(
                values, f"barberpro revision {revision}", site.watch(self.say),
                seconds=HOOK_SECONDS, light=self.many,
            )  # fmt: skip

        try:
            number = upgrade()
        except HalfDoneError:
            self.say(helm.heal())
            number = upgrade()
        record.helm = {**record.helm, revision: number}
        record.applied = {**record.applied, revision: digest_of(values)}
        self.records.save(record)

    def roll_out(self, record: Record, names: Sequence[str]) -> None:
        """Waits for these Deployments, or for all of them."""
        wanted = named(*names) if names else whatever
        self.site(record).wait_for("deployments", wanted, seconds=ROLLOUT_SECONDS, say=self.say)
        front = self.fronts.get(record.id)
        if front is not None:
            front.forget_pod()

    def installation(self, record: Record) -> Installation:
        """How the plan lies on this cluster."""
        given = dict(record.values)
        mail, public = given.pop("mail", None), given.pop("public", None)
        if record.live is None:
            public = None  # nothing leads the public to what was never tested
        return Installation(
            image=image_of(record.image),
            database_mode=record.database_mode,
            public=public if isinstance(public, dict) else {},
            mail=mail if isinstance(mail, dict) else {},
            extra=given,
        )

    def values(
        self, record: Record, plan: Plan, revision: int, *, processes: bool = True
    ) -> Values:
        """The chart's values for this revision, with what stage 4 has written."""
        installation = self.installation(record)
        if not public_host(plan, installation.public):
            installation = replace(installation, public={})
        values = make_values(plan, revision, installation, processes=processes)
        sections = record.sections.get(revision, {})
        return laid_over(values, {"application": sections}) if sections else values

    def application(self, record: Record, plan: Plan, revision: int) -> Mapping[str, object]:
        """What app.json says."""
        found = self.values(record, plan, revision)["application"]
        assert isinstance(found, dict)
        return found

    def close_front(self, deployment: str) -> None:
        front = self.fronts.pop(deployment, None)
        if front is not None:
            front.close()
