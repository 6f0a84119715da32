"""The four kinds of finding on a cluster, in one word each."""

from __future__ import annotations

from barberpro.planning.findings import Finding, Severity


def good(id_: str, what: str) -> Finding:
    return Finding(id=f"cluster-{id_}", severity=Severity.INFO, what=what)


def note(id_: str, what: str, mend: str) -> Finding:
    return Finding(id=f"cluster-{id_}", severity=Severity.INFO, what=what, mend=mend)


def doubt(id_: str, what: str, why: str, mend: str) -> Finding:
    return Finding(id=f"cluster-{id_}", severity=Severity.WARNING, what=what, why=why, mend=mend)


def bad(id_: str, what: str, why: str, mend: str) -> Finding:
    return Finding(id=f"cluster-{id_}", severity=Severity.BLOCKING, what=what, why=why, mend=mend)
