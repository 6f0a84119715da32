"""What law and policy say about a plan, before anything runs.

The rules are data: each control of the catalog names a check by its kind and gives its parameters.
The kinds are a small closed set, ``CHECKS``; a new control of an existing kind is a file of data. What a machine
cannot decide (``attest``) is listed for the operator, who answers for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from barberpro.catalog.model import Catalog, Control, Provider, Vertical
from barberpro.errors import InvalidInputError, RefusedError
from barberpro.planning.findings import Finding, Severity
from barberpro.planning.model import DataLocation, Plan, Protection, Request
from barberpro.planning.protection import VOLUME_LAYER

_ORDER = {Severity.BLOCKING: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class Case:
    """What the checks judge."""

    request: Request
    protection: Protection
    catalog: Catalog

    @property
    def vertical(self) -> Vertical:
        return self.catalog.verticals[self.request.vertical]

    @property
    def provider(self) -> Provider:
        return self.catalog.providers[self.request.provider]


Check = Callable[[Case, Control], Iterable[Finding]]


def judge(case: Case) -> Iterator[Finding]:
    """The findings of every control that applies to the vertical and can be decided on the plan,
    and what is to be attested. A control that holds leaves no finding."""
    for control in case.catalog.controls_for(case.vertical):
        if control.kind == "attest":
            yield _to_attest(control)
        elif "plan" in control.when:
            yield from _check(control)(case, control)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Blocking first, then warnings, then the rest; by id among equals."""
    return tuple(sorted(findings, key=lambda f: (_ORDER[f.severity], f.id, f.where)))


def blocking(plan: Plan) -> tuple[Finding, ...]:
    return tuple(f for f in plan.findings if f.severity is Severity.BLOCKING)


def refuse_if_blocked(plan: Plan) -> None:
    """Raises ``RefusedError`` that lists the blocking findings, each with its article and mend."""
    found = blocking(plan)
    if not found:
        return
    lines = "".join(
        f"\n  - {finding.what}\n    rests on: {finding.why}\n    mend: {finding.mend}"
        for finding in found
    )
    number = "1 blocking finding" if len(found) == 1 else f"{len(found)} blocking findings"
    raise RefusedError(
        f"{number} refuse{'s' if len(found) == 1 else ''} the plan of {plan.deployment_id}:{lines}"
    )


def _check(control: Control) -> Check:
    check = CHECKS.get(control.check or "")
    if check is None:
        raise InvalidInputError(
            f"The control {control.id} names the check {control.check!r}, which does not exist.",
            where=f"catalog, controls, {control.id}",
            mend=f"Use one of: {', '.join(sorted(CHECKS))}; or leave `plan` out of its `when`.",
        )
    return check


def _finding(control: Control, what: str, *, mend: str, where: str, evidence: str = "") -> Finding:
    """What breaks ``control``, with the control's own severity."""
    return Finding(
        id=f"{control.id.lower()}:{where}" if where else control.id.lower(),
        severity=Severity(control.severity),
        what=what,
        where=where,
        why=f"{control.citation}: {control.title}",
        mend=mend,
        control=control.id,
        evidence=evidence,
    )


def _to_attest(control: Control) -> Finding:
    severity = Severity.INFO if control.severity == "info" else Severity.WARNING
    return Finding(
        id=f"attest:{control.id.lower()}",
        severity=severity,
        what=f"To be attested by the operator: {control.title}",
        where="attestations",
        why=control.citation,
        mend=control.text,
        control=control.id,
    )


def _number(control: Control, name: str) -> int:
    """A whole number among the control's parameters; the catalog's fault where there is none."""
    value = control.parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _parameter_error(control, name, "a whole number")
    return value


def _text(control: Control, name: str) -> str:
    value = control.parameters.get(name)
    if not isinstance(value, str):
        raise _parameter_error(control, name, "text")
    return value


def _texts(control: Control, name: str) -> tuple[str, ...]:
    value = control.parameters.get(name)
    if not isinstance(value, tuple):
        raise _parameter_error(control, name, "a list of texts")
    return value


def _parameter_error(control: Control, name: str, kind: str) -> InvalidInputError:
    return InvalidInputError(
        f"The control {control.id} needs the parameter {name}, {kind}.",
        where=f"catalog, controls, {control.id}, parameters",
        mend=f"The check {control.check!r} reads it; add it to the control.",
    )


def _retention_floor(case: Case, control: Control) -> Iterator[Finding]:
    """Records of one class are kept at least so many years after their last entry."""
    wanted = _text(control, "record_class")
    floor = _number(control, "minimum_years")
    for kept in case.protection.retention:
        if kept.record_class != wanted:
            continue
        if kept.years < floor:
            yield _finding(
                control,
                f"{kept.record_class} would be kept {kept.years} years; "
                f"the law asks for at least {floor} from the last entry.",
                mend=f"Set clinical_record_retention (or --clinical-retention-years) to {floor} years or more.",
                where=f"retention.{kept.record_class}",
                evidence=f"{kept.years} < {floor}",
            )
        if kept.clinical and kept.on_expiry != "review":
            yield _finding(
                control,
                f"{kept.record_class} would be erased by age alone.",
                mend="Let expired clinical records be reviewed, not erased.",
                where=f"retention.{kept.record_class}.on_expiry",
            )


def _retention_maximum(case: Case, control: Control) -> Iterator[Finding]:
    """Data with no legal floor is not kept longer than policy says (Ley 25.326 art. 4.7)."""
    most = _number(control, "maximum_years")
    for kept in case.protection.retention:
        if not kept.clinical and kept.years > most:
            yield _finding(
                control,
                f"{kept.record_class} would be kept {kept.years} years; at most {most} are allowed.",
                mend=f"Set data_retention_default to {most} years or less.",
                where=f"retention.{kept.record_class}",
                evidence=f"{kept.years} > {most}",
            )


def _data_location(case: Case, control: Control) -> Iterator[Finding]:
    """Personal data stays at home, or reaches a country that an instrument allows."""
    transfers = case.catalog.policies.data_transfers
    for location in case.protection.locations:
        if location.country == transfers.home_country:
            continue
        yield _transfer(case, control, location)


def _transfer(case: Case, control: Control, location: DataLocation) -> Finding:
    transfers = case.catalog.policies.data_transfers
    place = f"{location.what} ({location.place}) in {location.country}"
    where = f"location.{location.country}.{location.what.split(',')[0].replace(' ', '-')}"
    accepted = tuple(instrument.id for instrument in transfers.instruments)
    given = next(
        (t for t in case.request.transfer_instruments if t.country == location.country), None
    )
    if given is not None and given.instrument in accepted:
        return _note(
            control,
            f"Personal data leaves {transfers.home_country} under the instrument {given.instrument}: {place}.",
            where=where,
            evidence=given.reference or "no reference given",
        )
    if location.country in transfers.adequate_countries:
        return _note(
            control,
            f"Personal data leaves {transfers.home_country} for a country with adequate protection: {place}.",
            where=where,
            evidence=transfers.source,
        )
    home = ", ".join(_home_providers(case.catalog, case.request.target))
    problem = f"; {given.instrument!r} is not an accepted instrument" if given else ""
    return _finding(
        control,
        f"Personal data would leave {transfers.home_country} for a country without adequate "
        f"protection and without an instrument: {place}{problem}.",
        mend=(
            f"Choose a provider inside {transfers.home_country} ({home}), or sign a transfer instrument and "
            f"name it: --transfer-instrument {location.country}=INSTRUMENT:REFERENCE with one of "
            f"{', '.join(accepted)}."
        ),
        where=where,
        evidence=location.country,
    )


def _home_providers(catalog: Catalog, target: str) -> Iterator[str]:
    """Providers whose default location keeps everything in the country, for this target."""
    home = catalog.policies.data_transfers.home_country
    for name, provider in catalog.providers.items():
        place = provider.default
        if target in provider.targets and {place.country, place.control_plane_country} == {home}:
            yield name


def _note(control: Control, what: str, *, where: str, evidence: str) -> Finding:
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


def _data_classification(case: Case, control: Control) -> Iterator[Finding]:
    wanted = _text(control, "classification")
    actual = case.protection.data_classification
    if actual != wanted:
        yield _finding(
            control,
            f"The data of {case.vertical.id} is classified as {actual}, not as {wanted}.",
            mend="Give the vertical the trait health-data, or add it to healthcare_compliance.applies_to.",
            where="data_classification",
            evidence=actual,
        )


def _tls_minimum(case: Case, control: Control) -> Iterator[Finding]:
    wanted = _text(control, "version")
    actual = case.protection.tls_minimum
    if tuple(map(int, actual.split("."))) < tuple(map(int, wanted.split("."))):
        yield _finding(
            control,
            f"Connections would be accepted from TLS {actual} on; {wanted} is asked for.",
            mend=f"Raise tls_minimum to {wanted}.",
            where="tls_minimum",
            evidence=actual,
        )


def _encryption_layers(case: Case, control: Control) -> Iterator[Finding]:
    """Our own reading of ``double_encryption``: the volume and the field, with separate keys.

    Whether a machine of one's own has an encrypted disk no plan can know: that is a warning.
    """
    for layer in _texts(control, "layers"):
        if layer in case.protection.encryption_layers:
            continue
        own_disk = layer == VOLUME_LAYER and case.provider.kind == "own"
        finding = _finding(
            control,
            f"The plan cannot know whether the disks of {case.provider.name} are encrypted."
            if own_disk
            else f"The layer {layer!r} of encryption is missing.",
            mend="Encrypt the disk that holds the data (LUKS, FileVault, BitLocker) and attest it."
            if own_disk
            else f"Choose a provider or a vertical configuration with the layer {layer!r}.",
            where=f"encryption.{layer}",
        )
        yield finding.model_copy(update={"severity": Severity.WARNING}) if own_disk else finding


def _no_card_data(case: Case, control: Control) -> Iterator[Finding]:
    if case.protection.card_data:
        yield _finding(
            control,
            "Card numbers would reach the deployment.",
            mend="Take payments at the payment provider's own page (redirect, SAQ A).",
            where="card_data",
        )


def _consumer_links(case: Case, control: Control) -> Iterator[Finding]:
    for link in _texts(control, "links"):
        if link not in case.protection.consumer_links:
            yield _finding(
                control,
                f"The public page would lack the link {link}.",
                mend="Use a release of the app that has it.",
                where=f"consumer_links.{link}",
            )


def _subject_rights_deadlines(case: Case, control: Control) -> Iterator[Finding]:
    pairs = (
        ("access_days", case.protection.access_days),
        ("rectification_business_days", case.protection.rectification_business_days),
    )
    for name, actual in pairs:
        allowed = _number(control, name)
        if actual > allowed:
            yield _finding(
                control,
                f"Requests of data subjects would be answered within {actual} days ({name}); the law allows {allowed}.",
                mend=f"Shorten {name} to {allowed}.",
                where=name,
                evidence=f"{actual} > {allowed}",
            )


def _audit_trail(case: Case, control: Control) -> Iterator[Finding]:
    wanted = _text(control, "level")
    actual = case.protection.audit_trail
    if actual != wanted:
        yield _finding(
            control,
            f"The audit trail of {case.vertical.id} is {actual}, not {wanted}.",
            mend=f"Set compliance.audit_trail of the vertical to {wanted}.",
            where="audit_trail",
            evidence=actual,
        )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "audit-trail": _audit_trail,
        "consumer-links": _consumer_links,
        "data-classification": _data_classification,
        "data-location": _data_location,
        "encryption-layers": _encryption_layers,
        "no-card-data": _no_card_data,
        "retention-floor": _retention_floor,
        "retention-maximum": _retention_maximum,
        "subject-rights-deadlines": _subject_rights_deadlines,
        "tls-minimum": _tls_minimum,
    }
)
