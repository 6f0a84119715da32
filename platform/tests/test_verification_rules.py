"""The test suite of stage 5 is seen failing on a shop that breaks the rules it must keep."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox as MaildirHandler
from support_app import free_port
from support_https import Answer, HttpsServer, Request, https_server
from support_planning import plan_of

from barberpro.deployment.checks import latency
from barberpro.deployment.checks.api import ApiCaller, ApiError
from barberpro.deployment.checks.client import open_client
from barberpro.deployment.checks.database import check_app_role
from barberpro.deployment.checks.journey import JourneyError, walk
from barberpro.deployment.checks.latency import Latency, judge, measure, percentile
from barberpro.deployment.checks.mail import Mailbox, seen_to_arrive, send_test_message
from barberpro.deployment.checks.traces import credentials
from barberpro.deployment.containers import start_specialized
from barberpro.deployment.context import Surroundings, read_context
from barberpro.deployment.testing import RecordingTarget
from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.plans import checksum
from barberpro.runs.kinds import RunInput
from barberpro.targets.protocol import PassingFaultError, ServiceState

DAYS = [(datetime.now(UTC).date() + timedelta(days=n)).isoformat() for n in (1, 7)]
TIMES = ["10:00", "11:00", "12:00"]


@dataclass
class Shop:
    """A booking shop in a few lines, for pages and API; ``faults`` are what it gets wrong."""

    faults: set[str] = field(default_factory=set)
    taken: dict[str, str] = field(default_factory=dict)  # time -> booking
    keys: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)

    def respond(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = {name: found[0] for name, found in parse_qs(parts.query).items()}
        form = {name: found[0] for name, found in parse_qs(request.body).items()}
        if parts.path.startswith("/api/") or parts.path.startswith("/oauth"):
            return self.api(request, parts.path)
        if parts.path == "/":
            return Answer(body='<a href="/reservar?servicio=1">Corte</a>')
        if parts.path == "/reservar" and request.method == "GET":
            return Answer(body=self.times("/reservar", query))
        if parts.path == "/reservar":
            return self.hold(form)
        if parts.path.startswith("/reservar/datos/"):
            if request.method == "GET":
                return Answer(body='<form method="post"><input name="email"></form>')
            if "confirm" in self.faults:
                return Answer(body="<p>no</p>")
            token = parts.path.rsplit("/", 1)[1]
            return Answer(body=f'<a href="/reserva/{token}">Ver</a>')
        return self.manage(request, parts.path, query, form)

    def times(self, path: str, query: dict[str, str]) -> str:
        days = "".join(f'<a href="{path}?servicio=1&dia={day}">{day}</a>' for day in DAYS)
        day = query.get("dia", "")
        free = [t for t in TIMES if day and f"{day} {t}" not in self.taken]
        slots = "".join(f'<button name="inicio" value="{day} {t}">{t}</button>' for t in free)
        who = '<form action="/reservar"><input type="radio" name="profesional" value="p1"></form>'
        form = f'<form method="post" action="{path}"><input name="csrf" value="k">{slots}</form>'
        return days + who + form

    def hold(self, form: dict[str, str]) -> Answer:
        time = form["inicio"]
        if time in self.taken and "double" not in self.faults:
            return Answer(409, body="<p>ya no está libre</p>")
        token = uuid.uuid4().hex
        self.taken[time] = token
        return Answer(303, headers=[("Location", f"/reservar/datos/{token}")])

    def manage(
        self, request: Request, path: str, query: dict[str, str], form: dict[str, str]
    ) -> Answer:
        token = path.split("/")[2]
        if path.endswith("/cambiar"):
            if request.method == "GET":
                return Answer(body=self.times(path, query))
            self.taken = {time: t for time, t in self.taken.items() if t != token}
            self.taken[form["inicio"]] = token
            return Answer(303, headers=[("Location", f"/reserva/{token}")])
        if path.endswith("/cancelar"):
            if request.method == "POST" and "cancel" not in self.faults:
                self.cancelled.add(token)
            return Answer(body=f'<form method="post" action="{path}"></form>')
        link = "" if token in self.cancelled else f'<a href="/reserva/{token}/cancelar">x</a>'
        return Answer(
            body=link, headers=[] if "cache" in self.faults else [("Cache-Control", "no-store")]
        )

    def api(self, request: Request, path: str) -> Answer:
        body = json.loads(request.body) if request.body.startswith("{") else {}
        if path == "/oauth/token":
            return self.json({"access_token": "t"})
        if path.endswith(("/services", "/locations")):
            return self.json({"items": [{"id": "1"}]})
        if path.endswith("/availability"):
            return self.json({"days": [{"slots": [self.slot(hour) for hour in (10, 14, 18)]}]})
        if path.endswith("/bookings"):
            return self.book(request, body)
        return self.change(path, body)

    def slot(self, hour: int) -> dict[str, object]:
        day = DAYS[1]
        start, end = f"{day}T{hour}:00:00+00:00", f"{day}T{hour}:30:00+00:00"
        return {"starts_at": start, "ends_at": end, "provider_ids": ["p1"]}

    def book(self, request: Request, body: dict[str, str]) -> Answer:
        key, time = request.headers["idempotency-key"], body["starts_at"]
        if key in self.keys and "repeat" not in self.faults:
            return self.json({"id": self.keys[key]}, 201)
        if time in self.taken and not {"double", "repeat"} & self.faults:
            return self.json({"code": "slot_taken"}, 409)
        self.keys[key] = self.taken[time] = uuid.uuid4().hex
        return self.json({"id": self.keys[key]}, 201)

    def change(self, path: str, body: dict[str, str]) -> Answer:
        booking = path.split("/")[-2]
        self.taken = {time: kept for time, kept in self.taken.items() if kept != booking}
        if path.endswith("/reschedule"):
            if "move" in self.faults:
                return self.json({"starts_at": f"{DAYS[0]}T01:00:00+00:00"})
            self.taken[body["starts_at"]] = booking
            return self.json({"starts_at": body["starts_at"]})
        return self.json({"status": "cancelled"})

    @staticmethod
    def json(value: object, status: int = 200) -> Answer:
        headers = [("X-Request-Id", uuid.uuid4().hex)]
        return Answer(status, json.dumps(value), headers, "application/json")


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def server(tmp_path: Path, shop: Shop) -> Iterator[HttpsServer]:
    with https_server(tmp_path, shop.respond) as running:
        yield running


def test_a_client_s_way_through_a_good_shop(server: HttpsServer, shop: Shop) -> None:
    seen = walk(lambda: open_client(server.access, preview=True), "probe.invalid")
    assert seen[0] == f"3 times offered on {DAYS[1]}"  # the later day, where changes are allowed
    assert "refused to a second client" in seen[-1]
    assert len(shop.cancelled) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("double", "given to two clients"),
        ("confirm", "not confirmed"),
        ("cache", "kept by caches"),
        ("cancel", "not cancelled"),
    ],
)
def test_a_shop_that_breaks_a_rule_is_found_out_by_its_pages(
    server: HttpsServer, shop: Shop, fault: str, message: str
) -> None:
    shop.faults = {fault}
    with pytest.raises(JourneyError, match=message):
        walk(lambda: open_client(server.access, preview=True), "probe.invalid")


def caller(server: HttpsServer, client: object) -> ApiCaller:
    made = ApiCaller(client, "probe.invalid")  # type: ignore[arg-type]
    made.sign_in("name", "secret")
    return made


def test_the_rules_hold_at_a_good_api(server: HttpsServer) -> None:
    with open_client(server.access, preview=True) as client:
        proved = caller(server, client).prove_booking_rules()
    assert "second taker refused with 409" in proved
    assert server.seen[0].headers["authorization"].startswith("Basic ")
    assert server.seen[-1].headers["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("double", "second taker of the same time got 201"),
        ("repeat", "booked twice"),
        ("move", "was not moved"),
    ],
)
def test_an_api_that_breaks_a_rule_is_found_out(
    server: HttpsServer, shop: Shop, fault: str, message: str
) -> None:
    shop.faults = {fault}
    with open_client(server.access, preview=True) as client:
        api = caller(server, client)
        with pytest.raises(ApiError, match=message):
            api.prove_booking_rules()


def test_separate_slots_do_not_disturb_each_other(server: HttpsServer) -> None:
    with open_client(server.access, preview=True) as client:
        slots = caller(server, client).separate_slots(10)
    assert [slot.starts_at[11:13] for slot in slots] == ["10", "14", "18"]


def blocking(findings: Iterator[Finding]) -> list[str]:
    return [finding.id for finding in findings if finding.severity is Severity.BLOCKING]


def test_an_audit_trail_that_the_app_can_change_is_found(database_url: str) -> None:
    role = f"app_{uuid.uuid4().hex[:8]}"
    url = database_url.replace("postgres@", f"{role}@")
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN".encode())
        name = owner.info.dbname
        owner.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC".encode())
        owner.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}".encode())
        try:
            assert "compliance-audit-trail" in blocking(check_app_role(url))
            owner.execute("CREATE TABLE audit_event (id int, at timestamptz)")
            owner.execute(f"GRANT INSERT, SELECT ON audit_event TO {role}".encode())
            assert "compliance-audit-trail" not in blocking(check_app_role(url))
            owner.execute(f"GRANT UPDATE (at) ON audit_event TO {role}".encode())
            assert "compliance-audit-trail" in blocking(check_app_role(url))
            owner.execute(f"REVOKE UPDATE (at) ON audit_event FROM {role}".encode())
            owner.execute(f"GRANT DELETE ON audit_event TO {role}".encode())
            found = [f for f in check_app_role(url) if f.id == "compliance-audit-trail"]
            assert found[0].evidence == "the app's role holds INSERT, DELETE"
            owner.execute(f"ALTER ROLE {role} CREATEROLE".encode())
            assert "compliance-database-isolation" in blocking(check_app_role(url))
        finally:
            owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_a_role_that_cannot_ask_is_a_fault_with_a_remedy(database_url: str) -> None:
    wrong = database_url.replace("postgres@", "nobody_of_that_name@")
    with pytest.raises(BarberProError, match="cannot ask the database"):
        list(check_app_role(wrong))


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[Mailbox]:
    folder = tmp_path / "mail"
    controller = Controller(MaildirHandler(folder), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield Mailbox("127.0.0.1", controller.port, "turnos@shop.localhost", folder)
    controller.stop()


def test_a_message_is_seen_to_arrive_and_its_absence_too(smtp: Mailbox) -> None:
    assert smtp.folder is not None
    send_test_message(smtp, "delivery@shop.localhost", "marker-1")
    arrived = seen_to_arrive(smtp.folder, "marker-1")
    assert arrived is not None
    assert b"Auto-Submitted: auto-generated" in arrived.read_bytes()
    assert seen_to_arrive(smtp.folder, "marker-2", seconds=0.05) is None


def test_a_mail_server_that_does_not_answer_is_worth_another_try() -> None:
    closed = Mailbox("127.0.0.1", free_port(), "a@shop.localhost")
    with pytest.raises(PassingFaultError):
        send_test_message(closed, "b@shop.localhost", "m")


def test_latency_is_judged_by_its_percentiles() -> None:
    def judged(p50: float, p95: float) -> list[Severity]:
        return [f.severity for f in judge([Latency("booking", 30, p50, p95, p95)], 80)]

    assert judged(10, 80) == []
    assert judged(10, 81) == [Severity.WARNING]
    assert judged(10, 5000) == [Severity.WARNING]  # a busy moment is not a slow deployment
    assert judged(241, 300) == [Severity.BLOCKING]
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95
    assert percentile([7.0], 0.5) == 7


def test_measuring_ends_in_time() -> None:
    calls: list[int] = []

    def slow() -> None:
        calls.append(1)
        end = datetime.now(UTC) + timedelta(milliseconds=20)
        while datetime.now(UTC) < end:
            pass

    measured = measure("x", [slow] * 1000, limit_seconds=0.1)
    assert measured.count == len(calls) < 20
    assert measured.p50_ms >= 20


def test_a_busy_moment_is_measured_again_and_slowness_is_not_excused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answer takes so many ms, by a clock of the test's own."""

    def measured(*answers: int) -> tuple[int, float]:
        now = [0.0]

        def answer(milliseconds: int) -> None:
            now[0] += milliseconds / 1000

        monkeypatch.setattr(latency, "time", SimpleNamespace(perf_counter=lambda: now[0]))
        requests = [lambda answer=answer, ms=ms: answer(ms) for ms in answers]
        found = latency.measure_calmly("x", requests, limit_seconds=0.5, target_ms=80)
        return found.count, found.p50_ms

    assert measured(*[20] * 20) == (20, 20)
    assert measured(900, *[20] * 19) == (19, 20)
    assert measured(*[900] * 19, 20) == (1, 20)
    assert measured(*[300] * 20) == (2, 300)


def test_a_test_client_left_by_a_killed_attempt_is_replaced(tmp_path: Path) -> None:
    plan = plan_of(market="small")

    class Forgetful(RecordingTarget):
        def run_app_command(self, plan, revision, arguments):  # type: ignore[no-untyped-def]
            super().run_app_command(plan, revision, arguments)
            names = [a[:2] for name, a in self.calls if name == "run_app_command"]
            if arguments[1] == "create" and ("api-client", "remove") not in names:
                raise BarberProError("there is one of that name already")
            return {"client_id": "verification-r1", "client_secret": "s3cret"}

    target = Forgetful()
    payload = {"plan": plan.model_dump(mode="json"), "checksum": checksum(plan)}
    around = Surroundings(target, lambda _deployment: tmp_path)
    context = read_context(RunInput("r", "deploy", plan.deployment_id, 1, payload), around)
    assert credentials(context) == ("verification-r1", "s3cret")
    assert credentials(context) == ("verification-r1", "s3cret")
    assert [arguments[1] for _name, arguments in target.calls] == ["create", "remove", "create"]
    assert "s3cret" not in repr(context)


@pytest.mark.parametrize(
    ("reported", "worker", "expected"),
    [
        ("running", None, []),
        ("not_in_release", None, [("service-not-in-release-notification", Severity.WARNING)]),
        (None, None, [("service-not-in-release-notification", Severity.WARNING)]),
        ("stalled", None, [("service-unhealthy-notification", Severity.BLOCKING)]),
        ("in_worker_process", "running", []),
        ("in_worker_process", "failed", [("service-unhealthy-notification", Severity.BLOCKING)]),
        ("in_worker_process", None, [("service-unhealthy-notification", Severity.BLOCKING)]),
    ],
)
def test_each_service_is_as_healthy_as_it_says(
    server: HttpsServer,
    tmp_path: Path,
    reported: str | None,
    worker: str | None,
    expected: list[tuple[str, Severity]],
) -> None:
    plan = plan_of(market="small")
    names = [str(name) for name in plan.application["services"]]  # type: ignore[union-attr]
    states = {name: "running" for name in names if name != "notification"}
    if reported is not None:
        states["notification"] = reported
    server.respond = lambda _request: Shop.json({"revision": 1, "services": states})
    target = RecordingTarget(reach=server.access)
    target.state = [ServiceState(f"{plan.deployment_id}-r1-worker", worker)] if worker else []
    payload = {"plan": plan.model_dump(mode="json"), "checksum": checksum(plan)}
    around = Surroundings(target, lambda _deployment: tmp_path)
    context = read_context(RunInput("r", "deploy", plan.deployment_id, 1, payload), around)
    kept: list[Finding] = []
    context.record = kept.extend  # type: ignore[method-assign]
    start_specialized(context)
    assert [(finding.id, finding.severity) for finding in kept] == expected
