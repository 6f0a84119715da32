"""Releases by the operator's own ``helm``, so that ``helm list``, ``history`` and ``rollback`` show
and do the same as we. A helm that was killed leaves a release ``pending``, which blocks the next one:
that is healed here."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.kube.contexts import Context
from barberpro.kube.helm import LEAST, helm_version
from barberpro.kube.programs import Finished, run
from barberpro.targets.protocol import PassingFaultError

RELEASE = "barberpro"
HISTORY = 20
LOOK_SECONDS = 1.0
SECONDS = 120.0
#: A release that is pending for less may be somebody's helm at work this very moment.
SOMEBODY_AT_WORK = 20.0
#: What helm says where another one began at the same moment, such as that of a deploy that was killed.
AT_WORK = ("another operation (install/upgrade/rollback) is in progress", "sh.helm.release.v1.")
#: What helm says of a release that is pending, or half removed.
HALF_DONE = ("another operation", "has no deployed releases", "has been uninstalled")
#: helm lives for seconds and needs little: collecting less often saves a fifth of its processor time.
COLLECTOR = {"GOGC": "400"}


class HalfDoneError(PassingFaultError):
    """A helm that was killed left the release in a state that refuses the next one, or one is at work."""


@dataclass(frozen=True, slots=True)
class HelmRevision:
    number: int
    status: str  # deployed, superseded, failed, pending-install, pending-upgrade, uninstalling ...
    description: str
    updated: datetime | None


@dataclass(frozen=True, slots=True)
class Helm:
    """One release in one namespace of one cluster."""

    context: Context
    namespace: str
    chart: Path

    def check_version(self) -> str:
        """The version as text. Raises ``BarberProError`` for one that is too old."""
        numbers, text = helm_version()
        if numbers[:2] < LEAST:
            raise BarberProError(
                f"Helm {text} is too old: {'.'.join(map(str, LEAST))} or newer is needed",
                where="helm version",
                mend="install a newer one: https://helm.sh/docs/intro/install/",
            )
        return text

    def words(self, *words: str) -> list[str]:
        """The command as a person would type it."""
        named = [f"--kube-context={self.context.name}"] if self.context.name else []
        return ["helm", *named, f"--namespace={self.namespace}", *words]

    def _wins(self) -> list[str]:
        """From Helm 4 on the API server keeps who set which field, and what somebody set by hand (the
        manual's `kubectl patch`) would refuse the next release: what is deployed wins, as before."""
        return ["--server-side=true", "--force-conflicts"] if helm_version()[0][0] >= 4 else []

    def history(self) -> list[HelmRevision]:
        """Oldest first; none where there is no release."""
        finished = run(self.words("history", RELEASE, "-o", "json", f"--max={HISTORY}"))
        if finished.code != 0:
            if "not found" in finished.errors:
                return []
            raise self._error("history", finished)
        return [
            HelmRevision(
                int(entry["revision"]),
                str(entry["status"]),
                str(entry.get("description") or ""),
                _instant(str(entry.get("updated") or "")),
            )
            for entry in json.loads(finished.output)
        ]

    def manifest(self) -> str:
        """What the release says the cluster holds."""
        return self._call("get", "manifest", RELEASE)

    def heal(self) -> str:
        """Ends what a killed helm left half done; says what was done, empty where nothing was.

        Raises ``PassingFaultError`` while the release changed so lately that somebody may be at it.
        """
        history = self.history()
        if not history or not history[-1].status.startswith(("pending", "uninstalling")):
            return ""
        last = history[-1]
        age = (datetime.now(UTC) - last.updated).total_seconds() if last.updated else 1e9
        if age < SOMEBODY_AT_WORK:
            raise PassingFaultError(
                f"release {RELEASE} is {last.status} since {age:.0f} s: another helm may be at work",
                seconds=3.0,
                where=self.namespace,
            )
        good = [entry for entry in history if entry.status in ("deployed", "superseded")]
        if good and last.status != "uninstalling":
            self._call("rollback", RELEASE, str(good[-1].number), "--no-hooks", *self._wins())
            return f"{last.status} since {age:.0f} s: back to Helm revision {good[-1].number}"
        self._call("uninstall", RELEASE, "--no-hooks")
        return f"{last.status} since {age:.0f} s and never deployed: removed"

    def upgrade(
        self,
        values: Mapping[str, object],
        description: str,
        watch: Callable[[], None],
        *,
        seconds: float = SECONDS,
        light: bool = False,
    ) -> int:
        """Installs or upgrades, and returns Helm's revision. ``watch`` is called every second while
        helm runs (its hooks may take long); what it raises ends helm. ``light`` is for one of many: helm
        reads no schema of the cluster beforehand, which is a third of its work; the cluster itself
        checks every object all the same.

        Raises:
            HalfDoneError: a helm that was killed is in the way.
            BarberProError: what helm says.
        """
        quicker = ["--disable-openapi-validation"] if light else []
        with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile(suffix=".json") as given:
            given.write(json.dumps(values).encode())
            given.flush()
            command = self.words(
                "upgrade", RELEASE, str(self.chart), "--install", "--values", given.name,
                "--description", description, "--reset-values", f"--history-max={HISTORY}",
                f"--timeout={int(seconds)}s", "-o", "json", *quicker, *self._wins(),
            )  # fmt: skip
            environment = {**COLLECTOR, **os.environ}
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, env=environment
            ) as process:
                try:
                    output = self._finish(process, watch)
                finally:
                    if process.poll() is None:
                        process.terminate()
                        process.wait(10)
            said.seek(0)
            errors = said.read().decode(errors="replace")
        if process.returncode != 0:
            error = self._error("upgrade", Finished(process.returncode, "", errors))
            if any(sign in errors for sign in HALF_DONE):
                raise HalfDoneError(error.what, seconds=3.0, where=error.where)
            raise error
        return int(json.loads(output)["version"])

    def _finish(self, process: subprocess.Popen[bytes], watch: Callable[[], None]) -> bytes:
        while True:
            try:
                return process.communicate(timeout=LOOK_SECONDS)[0]
            except subprocess.TimeoutExpired:
                watch()

    def rollback(self, number: int) -> None:
        """Back to Helm revision ``number``; its hooks do not run: a schema never goes back."""
        self._call(
            "rollback",
            RELEASE,
            str(number),
            "--no-hooks",
            f"--history-max={HISTORY}",
            *self._wins(),
        )

    def uninstall(self) -> bool:
        """False where there was no release. Hooks' objects go with the namespace."""
        if not self.history():
            return False
        self._call("uninstall", RELEASE, "--no-hooks")
        return True

    def _call(self, *words: str) -> str:
        finished = run(self.words(*words), seconds=SECONDS)
        if finished.code != 0:
            raise self._error(words[0], finished)
        return finished.output

    def _error(self, doing: str, finished: Finished) -> BarberProError:
        lines = [
            line for line in finished.errors.splitlines()
            if line.strip() and not line.startswith(("WARNING", "level=", "I1", "W1"))
        ]  # fmt: skip
        said = " ".join(lines[-6:]).removeprefix("Error: ") or f"helm ended with {finished.code}"
        if any(sign in said for sign in AT_WORK):
            return PassingFaultError(f"helm {doing}: {said}", seconds=3.0, where=self.namespace)
        return BarberProError(
            f"helm {doing}: {said}",
            where=f"{self.context.title}, namespace {self.namespace}",
            mend=f"see: {' '.join(self.words('history', RELEASE))}",
        )


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
