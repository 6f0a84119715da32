"""Whatever happens to a deploying process, the same command again ends where an undisturbed one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support_kills import ARGUMENTS, words_for
from support_operator import Operator


@pytest.fixture(scope="module")
def veteran() -> Iterator[Operator]:
    """An operator whose platform is up, so that every moment of a deploy can be hit."""
    someone = Operator.create("veterano")
    someone.deploy("Testigo")
    yield someone
    someone.leave()


@pytest.mark.slow
class TestInterruptions:
    def test_ctrl_c_stops_cleanly_and_resume_finishes(self, veteran: Operator) -> None:
        process = veteran.spawn(*words_for("Pausa"))
        _wait_for_line(process, "Infrastructure Provisioning")
        os.killpg(process.pid, signal.SIGINT)
        _, messages = process.communicate(timeout=60)
        assert process.returncode == 130, messages
        assert "barberpro resume pausa" in messages
        veteran.must("resume", "pausa")
        assert veteran.data("status", "pausa")["state"] == "live"
        veteran.must("destroy", "pausa", "--yes", "--no-backup")

    def test_an_interrupted_run_can_be_taken_back(self, veteran: Operator) -> None:
        process = veteran.spawn(*words_for("Marcha Atrás"))
        _wait_for_line(process, "Container Deployment")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert "taken back" in veteran.run("resume", "marcha-atras", "--undo").stderr
        assert "marcha-atras" not in {
            row["id"] for row in veteran.data("list") if row["state"] == "live"
        }

    def test_of_two_operators_at_once_the_second_is_told_who_holds_it(
        self, veteran: Operator
    ) -> None:
        first = veteran.spawn(*words_for("Disputa"))
        _wait_for_line(first, "Validation")
        second = veteran.run(*words_for("Disputa"))
        assert second.returncode == 4, second.stderr
        assert str(first.pid) in second.stderr or "held" in second.stderr
        waiting = veteran.run(*words_for("Disputa"), "--lock-wait", "240s")
        first.communicate(timeout=240)
        assert first.returncode == 0
        assert waiting.returncode == 0, waiting.stderr
        veteran.must("destroy", "disputa", "--yes", "--no-backup")

    def test_events_are_one_json_object_per_line(self, veteran: Operator) -> None:
        output = veteran.must(*words_for("Eventos"), "-o", "json")
        events = [json.loads(line) for line in output.splitlines()]
        assert {event["schema"] for event in events} == {1}
        assert events[0]["event"] == "run-started"
        assert events[-1]["event"] == "run-ended"
        assert events[-1]["status"] == "done"
        assert sum(event["event"] == "step-ended" for event in events) >= 28
        veteran.must("destroy", "eventos", "--yes", "--no-backup")

    def test_a_name_that_gives_another_brands_id_is_refused(self, veteran: Operator) -> None:
        finished = veteran.run("deploy", "--vertical", "dental", "--name", "TESTIGO!", *ARGUMENTS)
        assert finished.returncode == 2
        assert "testigo" in finished.stderr

    def test_a_registry_of_a_newer_version_is_left_alone(self, veteran: Operator) -> None:
        statement = "UPDATE registry.schema_version SET version = version + {}"
        _registry(veteran, statement.format(1000))
        try:
            finished = veteran.run("runs")
            assert finished.returncode == 1
            assert "newer" in finished.stderr
        finally:
            _registry(veteran, statement.format(-1000))
        veteran.must("runs")


def _wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"it ended without saying {text!r}")


def _registry(operator: Operator, statement: str) -> None:
    """Runs SQL in the registry with the platform's own client settings."""
    code = (
        "import sys, psycopg; from barberpro.targets.local.platform import LocalPlatform;"
        "c = psycopg.connect(LocalPlatform.open().registry_url(), autocommit=True); c.execute(sys.argv[1])"
    )
    environment = {
        **operator.environment,
        "PYTHONPATH": str(operator.repository / "platform" / "src"),
    }
    subprocess.run([sys.executable, "-c", code, statement], env=environment, check=True)
