"""The runbook holds this deployment's real names, is the same for the same input, and keeps old ones."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support_planning import plan_of, shipped_catalog

from barberpro.cli.main import root
from barberpro.deployment.checks.pages import Page
from barberpro.deployment.commands import command_groups, deploy_command
from barberpro.deployment.dashboards import alerting_rules, grafana_dashboard
from barberpro.deployment.documents import latest
from barberpro.deployment.rendering import cell, code
from barberpro.deployment.runbook import Runbook, remove_documents, write_runbook
from barberpro.deployment.statuspage import status_page
from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding, Severity
from barberpro.targets.protocol import Access, ServiceState

PLAN = plan_of(market="small")
ACCESS = Access(
    "https://barbershop-palermo.localhost:8443",
    "barbershop-palermo.localhost",
    "127.0.0.1",
    8443,
    Path("/home/ana/my home/root.crt"),
)
FINDINGS = (
    Finding(id="b", severity=Severity.INFO, what="TLS 1.3 only", evidence="refused 1.2"),
    Finding(id="a", severity=Severity.WARNING, what="disk | small", mend="free <space>"),
)


def runbook(revision: int = 1, previous: int | None = None) -> Runbook:
    return Runbook(
        plan=PLAN,
        revision=revision,
        previous=previous,
        access=ACCESS,
        services=(ServiceState("barbershop-palermo-r1", "running"),),
        ports=(("127.0.0.1", 8443, "booking pages"),),
        findings=FINDINGS,
        figures=({"what": "booking", "p50_ms": 3.1, "p95_ms": 9.7},),
        policies=shipped_catalog().policies,
        secrets="/home/ana/my home/secrets",
    )


def test_the_manual_s_commands_carry_this_deployment_s_names() -> None:
    text = runbook().markdown()
    for command in (
        "kubectl get pods -n barbershop-palermo",
        "kubectl top pods -n barbershop-palermo",
        "kubectl get hpa -n barbershop-palermo",
        "kubectl rollout restart deployment/whatsapp-webhook -n barbershop-palermo",
        "kubectl get configmap integration-config -n barbershop-palermo -o yaml",
        "SELECT * FROM pg_stat_activity;",
        "--resolve barbershop-palermo.localhost:8443:127.0.0.1",
        "--cacert '/home/ana/my home/root.crt'",
        "barberpro status barbershop-palermo",
    ):
        assert command in text, command
    assert not re.search(r"\[(ID|DOMAIN|NAMESPACE|DEPLOYMENT_ID|POD)\]", text)


def test_contacts_hours_and_window_are_the_catalog_s() -> None:
    text = runbook().markdown()
    assert "[+54 11 9999-8888](tel:+541199998888)" in text
    assert "[security@barberpro.com.ar](mailto:security@barberpro.com.ar)" in text
    assert "Sundays 02:00 - 06:00 ART" in text
    assert "| Database restore | 15 min | 5 min | yes |" in text


def test_open_findings_come_apart_from_evidence() -> None:
    text = runbook().markdown()
    findings, evidence = text.split("## Findings")[1].split("## Evidence")
    assert "disk \\| small" in findings
    assert "TLS 1.3 only" not in findings
    assert "refused 1.2" in evidence


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_runbook(tmp_path / "a", runbook())
    second = write_runbook(tmp_path / "b", replace(runbook(), findings=FINDINGS[::-1]))
    for name in ("runbook.md", "runbook.html"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_earlier_revisions_are_kept_and_latest_leads_to_the_newest(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    write_runbook(tmp_path, runbook(1))
    write_runbook(tmp_path, runbook(2, 1))
    write_runbook(tmp_path, runbook(2, 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "latest", "revision-0001", "revision-0002",
    ]  # fmt: skip
    newest = latest(tmp_path)
    assert newest is not None
    assert "revision 2 (before it: revision 1)" in newest.read_text()
    assert "Roll back to revision 1" in newest.read_text()
    remove_documents(tmp_path, 2, 1)
    remove_documents(tmp_path, 2, 1)
    assert os.readlink(tmp_path / "latest") == "revision-0001"
    remove_documents(tmp_path, 1, None)
    assert not tmp_path.exists()


def test_a_folder_that_cannot_be_written_is_said_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "documents").write_text("a file")
    with pytest.raises(BarberProError, match="cannot be written") as caught:
        write_runbook(tmp_path / "documents", runbook())
    assert caught.value.mend


class Outline(HTMLParser):
    """Links within the page and what they may lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        if str(values.get("href", "")).startswith("#"):
            self.anchors.add(str(values["href"])[1:])


def test_the_page_stands_alone_and_its_contents_lead_somewhere(tmp_path: Path) -> None:
    html = (write_runbook(tmp_path, runbook()) / "runbook.html").read_text()
    page = Page("https://local.test/runbook.html", html)
    assert page.loads == []
    assert "<script" not in html
    assert page.language == "en"
    outline = Outline(html)
    assert outline.anchors
    assert outline.anchors <= outline.ids
    assert "free &lt;space&gt;" in html


@given(st.text(min_size=1, max_size=60))
def test_no_text_breaks_out_of_its_cell(text: str) -> None:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for written in (cell(text), code(text) if text.strip() else "x"):
        html = parser.render(f"| a | b |\n| --- | --- |\n| {written} | end |\n")
        assert html.count("<td>") == 2, (text, html)
        assert "<td>end</td>" in html
        assert "<script" not in html


def test_a_brand_s_markup_is_text() -> None:
    plan = PLAN.model_copy(
        update={
            "request": PLAN.request.model_copy(update={"name": "<script>alert(1)</script> | *x*"})
        }
    )
    book = replace(runbook(), plan=plan)
    html = book.html(book.markdown())
    assert "<script>" not in html
    assert "alert(1)" in html


def test_requirements_still_open_stand_at_the_top() -> None:
    plan = plan_of(market="small", domain="palermo.example.com.ar")
    text = replace(runbook(), plan=plan).markdown()
    assert plan.requirements
    assert text.index("Still to be done by hand") < text.index("## In an emergency")


def test_the_deploy_command_quotes_what_a_shell_would_split() -> None:
    plan = plan_of(name="O'Higgins & Cía", market="small", environment="staging")
    command = deploy_command(plan)
    assert "--name 'O'\"'\"'Higgins & Cía'" in command
    assert "--environment staging" in command
    assert "--provider" not in command


def test_every_command_for_this_machine_is_one_that_there_is() -> None:
    tried = 0
    for group in command_groups(PLAN, ACCESS, 2, 1, "/secrets"):
        for command in group.commands:
            for part in command.local.split("|")[0].split("&&"):
                words = shlex.split(part)
                if words[:1] != ["barberpro"]:
                    continue
                known = root.get_command(click.Context(root), words[1])
                assert known is not None, part
                known.make_context(words[1], words[2:])  # raises for what it does not take
                tried += 1
    assert tried > 10


def test_dashboard_and_rules_hold_every_monitor() -> None:
    dashboard = json.loads(grafana_dashboard(PLAN))
    drawn = [panel["targets"][0]["expr"] for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len(drawn) == len(PLAN.monitors) > 0
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)
    rules = yaml.safe_load(alerting_rules(PLAN))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert [rule["expr"] for rule in alerts] == [m.expression for m in PLAN.monitors]
    assert {rule["labels"]["deployment"] for rule in alerts} == {"barbershop-palermo"}
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]*", rule["alert"]) for rule in alerts)


def test_the_status_page_says_what_runs() -> None:
    html = status_page(
        PLAN, 3, ACCESS.url, [ServiceState("router", "running", pid=5, memory_bytes=52_428_800)],
        [{"what": "booking", "count": 30, "p50_ms": 1.0, "p95_ms": 2.0}],
    )  # fmt: skip
    text = Page(ACCESS.url, html).text
    assert "router" in text
    assert "50 MB" in text
    assert "Revision 3" in text
