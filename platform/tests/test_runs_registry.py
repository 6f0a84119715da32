"""The registry by itself: versions of its schema, rows, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from barberpro.errors import ExitCode, InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.runs import connections
from barberpro.runs.connections import RegistryUnavailableError
from barberpro.runs.outcomes import Json
from barberpro.runs.registry import Registry, UnknownRunError
from barberpro.runs.rows import Run, Shape, canonical, checksum
from barberpro.runs.schema import NewerRegistryError, SchemaError, ensure_schema, migrations


def run_of(deployment: str, id_: str, payload: dict[str, Json]) -> Run:
    return Run(
        id=id_, deployment=deployment, kind="deploy", revision=None, started_by="ana", host="h",
        pid=1, format=1, payload=payload, checksum=checksum(canonical(payload)), shape=Shape(()),
        undo_on_failure=True, undo_requested=False, resumed=0, started_at=datetime.now(UTC),
        ended_at=None, status="running", failed_step="", message="",
    )  # fmt: skip


def test_several_processes_may_make_the_schema_at_once(database_url: str) -> None:
    errors: list[BaseException] = []

    def ensure() -> None:
        try:
            ensure_schema(database_url)
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT version FROM registry.schema_version").fetchall()
    assert rows == [(version,) for version, _ in migrations()]


def test_a_schema_that_is_there_costs_one_query(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_schema(database_url)
    queries: list[object] = []
    execute = psycopg.Connection.execute

    def counting(self: object, query: object, *rest: object, **options: object) -> object:
        queries.append(query)
        return execute(self, query, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(psycopg.Connection, "execute", counting)
    ensure_schema(database_url)
    assert len(queries) == 1


def test_a_registry_of_a_newer_version_is_refused_and_left_untouched(database_url: str) -> None:
    ensure_schema(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO registry.schema_version VALUES (999)")
        connection.execute("DROP TABLE registry.evidence")  # as a newer version may have done
    with pytest.raises(NewerRegistryError) as refused:
        Registry.open(database_url)
    assert refused.value.exit_code == ExitCode.FAILED
    assert "999" in refused.value.what
    assert "newer BarberPro" in refused.value.mend
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT to_regclass('registry.evidence')").fetchone()
    assert row == (None,)


def test_a_user_who_may_not_make_the_tables_is_told_so(database_url: str) -> None:
    role = f"guest_{database_url.partition('@/')[2].partition('?')[0]}"
    with psycopg.connect(database_url) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
    try:
        with pytest.raises(SchemaError, match="permission denied"):
            Registry.open(database_url.replace("postgres@", f"{role}@"))
    finally:
        with psycopg.connect(database_url) as connection:
            connection.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/registry",
        "postgresql://user:hunter2@/x?host=/nowhere",
        "postgresql://user:hunter2@[broken",
        "not a url password=hunter2",
    ],
)
def test_a_registry_that_cannot_be_reached_is_named_without_its_password(url: str) -> None:
    with pytest.raises(RegistryUnavailableError) as refused:
        Registry.open(url)
    assert "hunter2" not in str(refused.value)
    assert refused.value.mend


def test_reading_the_registry_does_not_import_dbos() -> None:
    program = (
        "import sys, barberpro.runs.registry, barberpro.runs.follow, barberpro.runs.history;"
        "sys.exit('dbos' in sys.modules or 'sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_revisions_are_numbered_per_deployment_and_a_repeated_write_is_the_same_write(
    database_url: str,
) -> None:
    with Registry.open(database_url) as registry:
        for deployment in ("a", "b"):
            for number in (1, 2):
                run = run_of(deployment, f"{deployment}{number}", {"plan": {"n": number}})
                assert registry.insert_run(run, reserve_revision=True) == number
                assert registry.insert_run(run, reserve_revision=True) == number
        revision = registry.revision("a", 2)
        assert revision is not None
        assert (revision.plan, revision.run) == ('{"n":2}', "a2")
        assert revision.checksum == checksum('{"n":2}')
        assert registry.current_revision("a") is None
        registry.end_run(registry.run("a2"), "done")
        assert registry.current_revision("a") == registry.revision("a", 2)
        assert [run.id for run in registry.runs()] == ["b2", "b1", "a2", "a1"]
        assert [run.id for run in registry.runs("a", limit=1)] == ["a2"]
        for name in ("nope", "nul \x00", "half \ud800"):
            with pytest.raises(UnknownRunError, match="there is no run"):
                registry.run(name)
            assert registry.deployment(name) is None
            assert registry.unfinished_run(name) is None


def test_findings_evidence_and_baselines_are_kept_per_run(database_url: str) -> None:
    with Registry.open(database_url) as registry:
        registry.insert_run(run_of("a", "r", {}), reserve_revision=False)
        finding = Finding(id="tls", severity=Severity.WARNING, what="TLS 1.2 é", control="tls-1.3")
        registry.put_findings("r", [finding])
        registry.put_findings("r", [finding])
        assert registry.findings("r") == [finding]
        registry.put_evidence("r", "tls-1.3", {"version": "TLSv1.3", "nul": "\x00"})
        assert registry.evidence("r") == {"tls-1.3": {"version": "TLSv1.3", "nul": "\x00"}}
        registry.put_baseline("a", 1, {"p99_ms": 12.5})
        registry.put_baseline("a", 2, {"p99_ms": 13})
        assert registry.baselines("a") == {2: {"p99_ms": 13}, 1: {"p99_ms": 12.5}}


def test_messages_with_what_postgresql_cannot_store_are_stored_legibly(database_url: str) -> None:
    with Registry.open(database_url) as registry:
        run = run_of("a", "r", {})
        registry.insert_run(run, reserve_revision=False)
        registry.end_run(run, "failed", message="nul \x00 half \ud800 ñ")
        assert registry.run("r").message == "nul \N{REPLACEMENT CHARACTER} half ? ñ"


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a_b", "a.b", "a" * 64, "a'; DROP", "a\x00"])
def test_a_deployment_id_is_a_dns_label(database_url: str, name: str) -> None:
    with Registry.open(database_url) as registry:
        with pytest.raises(InvalidInputError, match="DNS label"):
            registry.insert_run(run_of(name, "r", {}), reserve_revision=False)
        assert registry.deployments() == []


def test_a_state_is_set_by_the_kinds(database_url: str) -> None:
    with Registry.open(database_url) as registry:
        registry.insert_run(run_of("a", "r", {}), reserve_revision=False)
        registry.set_deployment_state("a", "stopped", current_revision=7)
        registry.set_deployment_state("a", "maintenance")
        deployment = registry.deployment("a")
        assert deployment is not None
        assert (deployment.state, deployment.current_revision) == ("maintenance", 7)


def test_a_session_repeats_what_the_server_cut_off(database_url: str) -> None:
    session = connections.Session(database_url)
    attempts: list[int] = []

    def work(connection: psycopg.Connection[dict[str, object]]) -> int:
        attempts.append(1)
        if len(attempts) == 1:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return len(attempts)

    assert session.transaction(lambda connection: 0) == 0
    assert session.transaction(work) == 2
    session.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, Json]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert canonical(value) == canonical(backwards)
    assert ": " not in canonical({"a": {"b": 1}, "c": [1, 2]})
