"""The kinds of check that a control may name: a small closed set, in one dictionary.

Each reads its figures from the control's parameters, so that a new control of an existing kind is a
file of data. What holds leaves no finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from barberpro.catalog.model import Control
from barberpro.planning.cases import (
    Case,
    Check,
    breach,
    doubt,
    number,
    parameter_error,
    text,
    texts,
)
from barberpro.planning.findings import Finding
from barberpro.planning.protection import VOLUME_LAYER
from barberpro.planning.sizing import GATEWAY
from barberpro.planning.transfers import check_data_localization, check_transfer_instrument

_AUDIT_LEVELS = ("none", "standard", "comprehensive")
_VERIFICATION_LEVELS = ("none", "basic", "enhanced")
_VIDEO_LEVELS = ("none", "end_to_end")
_DISK = "Encrypt the disk that holds the data (LUKS, FileVault, BitLocker) and attest it."


def _clinical_retention_floor(case: Case, control: Control) -> Iterator[Finding]:
    """Clinical records, and the prescriptions in them, stay at least so many years after their last
    entry, and none is erased by age alone."""
    floor = number(control, "minimum_years")
    for kept in case.protection.retention:
        where = f"retention.{kept.record_class}"
        if kept.clinical and kept.years < floor:
            yield breach(
                control,
                f"Clinical records would be kept {kept.years} years; at least {floor} years from "
                "the last entry are required.",
                mend=f"Set clinical_record_retention of the vertical, or --clinical-retention-years, "
                f"to {floor} or more.",
                where=where,
                evidence=f"{kept.years} < {floor}",
            )
        if kept.clinical and kept.on_expiry != "review":
            yield breach(
                control,
                "Clinical records would be erased by age alone.",
                mend="Let expired clinical records be reviewed.",
                where=f"{where}.on_expiry",
            )


def _retention_maximum(case: Case, control: Control) -> Iterator[Finding]:
    """Data with no legal floor have a period, and it is not longer than allowed."""
    most = number(control, "maximum_years")
    for kept in case.protection.retention:
        if not kept.clinical and not 1 <= kept.years <= most:
            yield breach(
                control,
                f"{kept.record_class} would be kept {kept.years} years; 1 to {most} are allowed.",
                mend=f"Set data_retention_default of the vertical to {most} years or less.",
                where=f"retention.{kept.record_class}",
                evidence=f"{kept.years} > {most}",
            )


def _payment_log_retention(case: Case, control: Control) -> Iterator[Finding]:
    least = number(control, "minimum_months")
    for kept in case.protection.retention:
        if not kept.clinical and kept.years * 12 < least:
            yield breach(
                control,
                f"The trail of payments would be kept {kept.years * 12} months; {least} are required.",
                mend="Raise data_retention_default of the vertical.",
                where=f"retention.{kept.record_class}",
            )


def _sensitive_classification(case: Case, control: Control) -> Iterator[Finding]:
    wanted = case.catalog.policies.healthcare_compliance.data_classification
    actual = case.protection.data_classification
    if actual != wanted:
        yield breach(
            control,
            f"The data of {case.vertical.id} are classified as {actual}, not as {wanted}.",
            mend="Give the vertical the trait health-data.",
            where="data_classification",
            evidence=actual,
        )


def _sensitive_fields_optional(case: Case, control: Control) -> Iterator[Finding]:
    for name in case.protection.required_health_fields:
        yield breach(
            control,
            f"The form would not go on without the health field {name}.",
            mend="Make the field optional.",
            where=f"required_health_fields.{name}",
        )


def _tls_minimum(case: Case, control: Control) -> Iterator[Finding]:
    wanted = text(control, "tls_minimum")
    actual = case.protection.tls_minimum
    if _version(actual) < _version(wanted):
        yield breach(
            control,
            f"Connections would be accepted from TLS {actual} on; {wanted} is required.",
            mend=f"Raise tls_minimum to {wanted}.",
            where="tls_minimum",
            evidence=actual,
        )


def _version(written: str) -> tuple[int, ...]:
    return tuple(int(part) for part in written.split(".") if part.isdecimal())


def _security_measures(case: Case, control: Control) -> Iterator[Finding]:
    """Encryption in transit, and where the control asks for it a log of who did what."""
    yield from _tls_minimum(case, control)
    if control.parameters.get("audit_trail") is True:
        actual = case.protection.audit_trail
        yield from _level(control, "audit_trail", actual, "standard", _AUDIT_LEVELS)


def _audit_trail(case: Case, control: Control) -> Iterator[Finding]:
    """At least the level that the control names, or any where it names none."""
    wanted = text(control, "audit_trail") if "audit_trail" in control.parameters else "standard"
    yield from _level(control, "audit_trail", case.protection.audit_trail, wanted, _AUDIT_LEVELS)


def _append_only_record(case: Case, control: Control) -> Iterator[Finding]:
    """Each change of a clinical record is kept, which the comprehensive trail does."""
    actual = case.protection.audit_trail
    yield from _level(control, "audit_trail", actual, _AUDIT_LEVELS[-1], _AUDIT_LEVELS)


def _professional_verification(case: Case, control: Control) -> Iterator[Finding]:
    actual = case.vertical.compliance.provider_verification
    wanted = text(control, "provider_verification")
    yield from _level(control, "provider_verification", actual, wanted, _VERIFICATION_LEVELS)


def _video_encryption(case: Case, control: Control) -> Iterator[Finding]:
    key = "session_recording_encryption"
    actual = case.vertical.compliance.session_recording_encryption
    yield from _level(control, key, actual, text(control, key), _VIDEO_LEVELS)


def _level(
    control: Control, key: str, actual: str, wanted: str, levels: tuple[str, ...]
) -> Iterator[Finding]:
    if wanted not in levels:
        raise parameter_error(control, key, f"one of {', '.join(levels)}")
    if levels.index(actual) < levels.index(wanted):
        yield breach(
            control,
            f"{key} is {actual}; at least {wanted} is required.",
            mend=f"Set compliance.{key} of the vertical to {wanted}.",
            where=key,
            evidence=actual,
        )


def _double_encryption(case: Case, control: Control) -> Iterator[Finding]:
    """Our own reading of ``double_encryption``: the volume and the field, with separate keys."""
    for layer in texts(control, "layers"):
        if layer == VOLUME_LAYER:
            yield from _volume(case, control)
        elif layer not in case.protection.encryption_layers:
            yield breach(
                control,
                f"The layer {layer!r} of encryption is missing.",
                mend="Give the vertical the trait health-data.",
                where=f"encryption.{layer}",
            )


def _volume(case: Case, control: Control) -> Iterator[Finding]:
    """Volumes of a cloud are encrypted or not; of a machine of one's own no plan can know."""
    if VOLUME_LAYER in case.protection.encryption_layers:
        return
    where = f"encryption.{VOLUME_LAYER}"
    if case.provider.kind == "own":
        what = f"No plan can know whether the disks of {case.provider.name} are encrypted."
        yield doubt(control, what, mend=_DISK, where=where)
    else:
        what = f"{case.provider.name} has no storage class that encrypts."
        yield breach(control, what, mend="Choose a provider with encrypted volumes.", where=where)


def _no_card_data(case: Case, control: Control) -> Iterator[Finding]:
    if case.protection.card_data:
        yield breach(
            control,
            "Card numbers would reach the deployment.",
            mend="Take payments at the payment provider's own page (redirect, SAQ A).",
            where="card_data",
        )


def _prices_in_currency(case: Case, control: Control) -> Iterator[Finding]:
    wanted = text(control, "currency")
    actual = case.catalog.regions[case.request.region].currency
    if actual != wanted:
        yield breach(
            control,
            f"Prices would be shown in {actual}; {wanted} is required.",
            mend=f"Set the region's currency to {wanted}.",
            where="application.currency",
            evidence=actual,
        )


def _tenant_isolation(case: Case, control: Control) -> Iterator[Finding]:
    """No database and no role is shared with another deployment."""
    database = case.database
    for name in (database.name, database.owner_role, database.app_role):
        for other in case.inventory.database_users.get(name, ()):
            if other != case.identifier:
                yield breach(
                    control,
                    f"The PostgreSQL name {name} belongs to the deployment {other} too.",
                    mend="Give the deployment another --id.",
                    where=f"database.{name}",
                    evidence=other,
                )


def _network_policies(case: Case, control: Control) -> Iterator[Finding]:
    """Flows are declared, and what comes from outside reaches the gateway alone."""
    flows = case.network.flows
    if not flows:
        yield breach(
            control,
            "No network flow is declared, so nothing could be denied by default.",
            mend="Declare the flows of the deployment.",
            where="network.flows",
        )
    for flow in flows:
        if flow.source == "public" and flow.destination != GATEWAY:
            yield breach(
                control,
                f"{flow.destination} would be reached from outside on port {flow.port}.",
                mend=f"Let public requests pass through {GATEWAY}.",
                where=f"network.flows.{flow.destination}",
            )


def _backup_offsite(case: Case, control: Control) -> Iterator[Finding]:
    """One zone, or one room, cannot hold its own second copy."""
    location = case.location
    if len(location.zones) < 2:
        yield breach(
            control,
            f"{case.provider.name}, {location.name} is one place only: a backup there is lost with it.",
            mend="Copy the backups to a second place in a country that the plan may use.",
            where="backup",
            evidence=", ".join(location.zones),
        )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "append-only-record": _append_only_record,
        "audit-trail": _audit_trail,
        "backup-offsite": _backup_offsite,
        "clinical-retention-floor": _clinical_retention_floor,
        "data-localization": check_data_localization,
        "double-encryption": _double_encryption,
        "encryption-at-rest": _volume,
        "network-policies": _network_policies,
        "no-card-data": _no_card_data,
        "payment-log-retention": _payment_log_retention,
        "prescription-retention-floor": _clinical_retention_floor,
        "prices-in-currency": _prices_in_currency,
        "professional-secrecy": _professional_verification,
        "professional-verification": _professional_verification,
        "retention-declared": _retention_maximum,
        "retention-maximum": _retention_maximum,
        "security-measures": _security_measures,
        "sensitive-classification": _sensitive_classification,
        "sensitive-fields-optional": _sensitive_fields_optional,
        "tenant-isolation": _tenant_isolation,
        "tls-minimum": _tls_minimum,
        "transfer-instrument": check_transfer_instrument,
        "video-encryption": _video_encryption,
    }
)
