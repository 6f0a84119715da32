"""What the app's own role may do in the database, asked of the database as that role."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from barberpro.errors import BarberProError
from barberpro.planning.findings import Finding, Severity

AUDIT_TABLE = "audit_event"
LAW = "manual, Argentina Compliance: immutable_audit_trail; Ley 26.529 art. 13"
CONNECT_SECONDS = 5

RIGHTS = """
SELECT has_table_privilege(c.oid, 'INSERT'), has_table_privilege(c.oid, 'UPDATE'),
       has_table_privilege(c.oid, 'DELETE'), has_table_privilege(c.oid, 'TRUNCATE'),
       has_any_column_privilege(c.oid, 'UPDATE'), pg_has_role(c.relowner, 'MEMBER')
FROM pg_class c WHERE c.relname = %s AND c.relkind IN ('r', 'p')
"""
STANDING = """
SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls,
       (SELECT string_agg(datname, ', ' ORDER BY datname) FROM pg_database
        WHERE datname <> current_database() AND NOT datistemplate AND datname <> 'postgres'
          AND has_database_privilege(datname, 'CONNECT'))
FROM pg_roles WHERE rolname = current_user
"""


def check_app_role(database_url: str) -> Iterator[Finding]:
    """The audit trail is append-only for the app's role, and the role reaches nothing else."""
    try:
        with psycopg.connect(database_url, connect_timeout=CONNECT_SECONDS) as connection:
            rights = connection.execute(RIGHTS, (AUDIT_TABLE,)).fetchone()
            standing = connection.execute(STANDING).fetchone()
    except psycopg.Error as error:
        raise BarberProError(
            f"the app's role cannot ask the database: {error}",
            where="secret database-url",
            mend="barberpro doctor",
        ) from error
    yield from _audit(rights)
    yield from _reach(standing)


def _audit(rights: tuple[object, ...] | None) -> Iterator[Finding]:
    if rights is None:
        yield _finding(
            "BP-AUDIT", "audit trail", Severity.BLOCKING, f"there is no table {AUDIT_TABLE}", ""
        )
        return
    named = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "UPDATE of a column", "ownership")
    held = [name for name, has in zip(named, rights, strict=True) if has]
    excess = [name for name in held if name != "INSERT"]
    evidence = f"the app's role holds {', '.join(held) or 'nothing'}"
    if excess or not held:
        what = "the audit trail is not append-only for the app"
        yield _finding("BP-AUDIT", "audit trail", Severity.BLOCKING, what, evidence)
    else:
        what = "the audit trail is append-only for the app"
        yield _finding("BP-AUDIT", "audit trail", Severity.INFO, what, evidence)


def _reach(standing: tuple[object, ...] | None) -> Iterator[Finding]:
    powerful, others = standing if standing is not None else (True, None)
    if powerful or others:
        what = "the app's role has rights beyond its own database"
        evidence = f"administrative: {bool(powerful)}; may connect to: {others or 'none'}"
        yield _finding("AR-25326-11", "database isolation", Severity.BLOCKING, what, evidence)
    else:
        what = "the app's role reaches its own database only"
        yield _finding(
            "AR-25326-11", "database isolation", Severity.INFO, what, "no administrative right"
        )


def _finding(control: str, name: str, severity: Severity, what: str, evidence: str) -> Finding:
    return Finding(
        id=f"compliance-{name.replace(' ', '-')}",
        severity=severity,
        what=f"{name}: {what}",
        where="database",
        why=LAW,
        mend="" if severity is Severity.INFO else "barberpro doctor, then deploy again",
        control=control,
        evidence=evidence,
    )
