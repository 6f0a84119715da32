"""The manual's command, and what stands there afterwards."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from support_operator import DEPLOY, Operator


def client_of(operator: Operator, deployment: str) -> httpx.Client:
    """A client that trusts the local CA, and finds the name where the machine does not."""
    url = httpx.URL(operator.data("status", deployment)["url"])
    authority = Path(operator.data("certificate")["certificate"])
    context = ssl.create_default_context(cafile=str(authority))
    host = f"{url.host}:{url.port}"
    client = httpx.Client(
        verify=context, base_url=f"https://127.0.0.1:{url.port}", headers={"Host": host}
    )
    client.event_hooks["request"].append(
        lambda request: request.extensions.update({"sni_hostname": url.host})
    )
    return client


def test_the_booking_page_is_served_over_tls_1_3(settled: Operator) -> None:
    with client_of(settled, "barbershop-palermo") as client:
        answer = client.get("/", follow_redirects=True)
    assert answer.status_code == 200
    assert "BarberShop Palermo" in answer.text
    assert 'lang="es-AR"' in answer.text


def test_health_and_readiness_tell_the_truth_and_metrics_stay_inside(settled: Operator) -> None:
    with client_of(settled, "barbershop-palermo") as client:
        assert client.get("/health").json()["status"] == "ok"
        assert client.get("/ready").status_code == 200
        assert client.get("/metrics").status_code in {403, 404}


def test_status_names_every_service_and_its_memory(settled: Operator) -> None:
    status = settled.data("status", "barbershop-palermo")
    assert status["state"] == "live"
    assert status["revision"] == 1
    assert status["services"]
    assert all(service["state"] == "running" for service in status["services"])


def test_every_step_of_the_manual_is_in_the_record_of_the_run(settled: Operator) -> None:
    [run] = settled.data("runs", "--deployment", "barbershop-palermo")
    steps = settled.data("runs", run["run"])["steps"]
    assert len({step["step"] for step in steps}) == 28
    assert len({step["stage"] for step in steps}) == 7
    assert {step["result"] for step in steps} <= {"done", "skipped", "retry"}
    assert all(step["detail"] for step in steps)


def test_the_runbook_names_this_deployment(settled: Operator) -> None:
    address = settled.must("open", "barbershop-palermo", "--runbook", "--print").strip()
    text = Path(httpx.URL(address).path).read_text(encoding="utf-8")
    assert "barbershop-palermo" in text
    assert "[DEPLOYMENT_ID]" not in text
    assert "devops@barberpro.com.ar" in text


def test_the_same_command_again_changes_nothing_that_is_seen(settled: Operator) -> None:
    words = [
        "--vertical",
        "barbershop",
        "--name",
        "BarberShop Palermo",
        "--market",
        "small",
        "--region",
        "argentina-central",
    ]
    finished = settled.run("plan", *words, "--detailed-exitcode", "-o", "json")
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["changes"] == []


def test_a_dry_run_with_changes_says_so_by_its_exit_code(settled: Operator) -> None:
    words = [
        "--vertical",
        "barbershop",
        "--name",
        "BarberShop Palermo",
        "--market",
        "medium",
        "--region",
        "argentina-central",
    ]
    finished = settled.run("deploy", *words, "--dry-run", "--detailed-exitcode", "-o", "json")
    assert finished.returncode == 10, finished.stderr
    assert json.loads(finished.stdout)["changes"]
    assert settled.data("status", "barbershop-palermo")["revision"] == 1


def test_the_owner_gets_a_link_that_works_once(settled: Operator) -> None:
    link = settled.must("open", "barbershop-palermo", "--owner", "--print").strip()
    with client_of(settled, "barbershop-palermo") as client:
        answer = client.get(httpx.URL(link).raw_path.decode())
        assert answer.status_code == 200


def test_log_lines_of_one_request_come_from_router_and_app(settled: Operator) -> None:
    with client_of(settled, "barbershop-palermo") as client:
        request = client.get("/", follow_redirects=True).headers["X-Request-Id"]
    lines = settled.must("logs", "barbershop-palermo", "--request", request, "-o", "json")
    assert len(lines.splitlines()) >= 2


@pytest.mark.parametrize(
    "words",
    [
        ["--vertical", "psychology", "--name", "MentalHealth Buenos Aires", "--market", "large",
         "--region", "argentina-central", "--domain", "psicologia.salud.ar", "--environment", "production", "--dry-run"],
        ["--vertical", "barbershop", "--name", "BarberShop Palermo", "--market", "medium",
         "--region", "argentina-central", "--dry-run"],
    ],
)  # fmt: skip
def test_the_calls_of_the_manual_plan_without_any_server(
    operator: Operator, words: list[str]
) -> None:
    finished = subprocess.run(
        [str(DEPLOY), *words],
        env=operator.environment,
        cwd=operator.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "checksum" in finished.stdout
    assert not operator.state.exists()
    assert not operator.processes()
