"""What the compliance checks judge, and how they say what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from barberpro.catalog.model import Catalog, Control, Provider, ProviderLocation, Vertical
from barberpro.errors import InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.inventory import Inventory
from barberpro.planning.model import Database, Network, Protection, Request
from barberpro.planning.protection import location_of


@dataclass(frozen=True, slots=True)
class Case:
    """A plan in the making: everything but its findings."""

    identifier: str
    request: Request
    protection: Protection
    database: Database
    network: Network
    catalog: Catalog
    inventory: Inventory

    @property
    def vertical(self) -> Vertical:
        return self.catalog.verticals[self.request.vertical]

    @property
    def provider(self) -> Provider:
        return self.catalog.providers[self.request.provider]

    @property
    def location(self) -> ProviderLocation:
        return location_of(self.request, self.catalog)


Check = Callable[[Case, Control], Iterable[Finding]]


def breach(control: Control, what: str, *, mend: str, where: str, evidence: str = "") -> Finding:
    """What breaks ``control``, with the control's own severity."""
    return Finding(
        id=f"{control.id.lower()}:{where}",
        severity=Severity(control.severity),
        what=what,
        where=where,
        why=f"{control.citation}: {control.title}",
        mend=mend,
        control=control.id,
        evidence=evidence,
    )


def doubt(control: Control, what: str, *, mend: str, where: str) -> Finding:
    """What no plan can know, so that it cannot refuse one: a warning at most."""
    found = breach(control, what, mend=mend, where=where)
    if found.severity is Severity.BLOCKING:
        return found.model_copy(update={"severity": Severity.WARNING})
    return found


def note(control: Control, what: str, *, where: str, evidence: str) -> Finding:
    """The control holds, in a way that the operator should know of."""
    return Finding(
        id=f"{control.id.lower()}:{where}",
        severity=Severity.INFO,
        what=what,
        where=where,
        why=control.citation,
        control=control.id,
        evidence=evidence,
    )


def number(control: Control, name: str) -> int:
    """A whole number among the control's parameters; the catalog's fault where there is none."""
    value = control.parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise parameter_error(control, name, "a whole number")
    return value


def text(control: Control, name: str) -> str:
    value = control.parameters.get(name)
    if not isinstance(value, str):
        raise parameter_error(control, name, "text")
    return value


def texts(control: Control, name: str) -> tuple[str, ...]:
    value = control.parameters.get(name)
    if not isinstance(value, tuple):
        raise parameter_error(control, name, "a list of texts")
    return value


def parameter_error(control: Control, name: str, kind: str) -> InvalidInputError:
    return InvalidInputError(
        f"The control {control.id} needs the parameter {name}, {kind}.",
        where=f"catalog, controls, {control.id}, parameters",
        mend=f"The check {control.check!r} reads it; add it to the control.",
    )
