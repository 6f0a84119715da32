"""Whether personal data leaves the country, and what allows it to (Ley 25.326 art. 12).

The law lifts its prohibition for countries with adequate protection (Disp. 60-E/2016) and by an
instrument. The manual's own policy, ``argentina_only``, asks for an instrument in any case.
"""

from __future__ import annotations

from collections.abc import Iterator

from barberpro.catalog.model import Control
from barberpro.planning.cases import Case, breach, note, text, texts
from barberpro.planning.findings import Finding
from barberpro.planning.model import DataLocation, TransferInstrument


def check_transfer_instrument(case: Case, control: Control) -> Iterator[Finding]:
    """Every destination abroad has an accepted instrument, or adequate protection."""
    accepted = texts(control, "instruments")
    transfers = case.catalog.policies.data_transfers
    for location in _abroad(case, transfers.home_country):
        given = _given(case, location)
        if given is not None and given.instrument in accepted:
            yield note(
                control,
                f"Personal data leaves {transfers.home_country} under the instrument "
                f"{given.instrument}: {_shown(location)}.",
                where=_where(location),
                evidence=given.reference or "no reference given",
            )
        elif location.country in transfers.adequate_countries:
            yield note(
                control,
                f"Personal data leaves {transfers.home_country} for a country with adequate "
                f"protection: {_shown(location)}.",
                where=_where(location),
                evidence=transfers.source,
            )
        else:
            kind = "a country without adequate protection and"
            yield _forbidden(case, control, location, accepted, kind)


def check_data_localization(case: Case, control: Control) -> Iterator[Finding]:
    """Every destination is at home, or has an accepted instrument."""
    accepted = tuple(known.id for known in case.catalog.policies.data_transfers.instruments)
    for location in _abroad(case, text(control, "country")):
        given = _given(case, location)
        if given is None or given.instrument not in accepted:
            yield _forbidden(case, control, location, accepted, "another country")


def _abroad(case: Case, home: str) -> Iterator[DataLocation]:
    for location in case.protection.locations:
        if location.country != home:
            yield location


def _given(case: Case, location: DataLocation) -> TransferInstrument | None:
    instruments = case.request.transfer_instruments
    return next((given for given in instruments if given.country == location.country), None)


def _shown(location: DataLocation) -> str:
    return f"{location.what} ({location.place}), {location.country}"


def _where(location: DataLocation) -> str:
    return f"location.{location.country}.{location.what.split(',')[0].replace(' ', '-')}"


def _forbidden(
    case: Case, control: Control, location: DataLocation, accepted: tuple[str, ...], kind: str
) -> Finding:
    given = _given(case, location)
    unknown = f"; {given.instrument!r} is not an accepted instrument" if given else ""
    return breach(
        control,
        f"Personal data would leave for {kind} without an instrument: {_shown(location)}{unknown}.",
        mend=(
            f"Choose a provider that keeps everything at home ({', '.join(_home_providers(case))}), "
            "or sign a transfer instrument and name it: "
            f"--transfer-instrument {location.country}=INSTRUMENT:REFERENCE, "
            f"with one of {', '.join(accepted)}."
        ),
        where=_where(location),
        evidence=location.country,
    )


def _home_providers(case: Case) -> Iterator[str]:
    """Providers whose default location keeps everything in the country, for this target."""
    home = {case.catalog.policies.data_transfers.home_country}
    for name, provider in case.catalog.providers.items():
        place = provider.default
        if (
            case.request.target in provider.targets
            and {place.country, place.control_plane_country} == home
        ):
            yield name
