"""From the flags of ``barberpro public set`` to settings: each mistake by its flag, before anything opens."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from barberpro.adapters.dns.providers import MANUAL, NO_CDN, open_provider
from barberpro.errors import InvalidInputError
from barberpro.planning.hosts import HostError, email_address, public_domain
from barberpro.targets.local.state import LETS_ENCRYPT, Public

STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


def public_settings(options: dict[str, Any]) -> Public:
    """The settings from the flags. Raises ``InvalidInputError`` that names the flag."""
    for flag in ("ipv4", "ipv6"):
        _check_address(flag, options[flag])
    if not (options["ipv4"] or options["ipv6"] or options["name"]):
        raise InvalidInputError(
            "say what public records are to lead to", mend="--ipv4, --ipv6 or --cname"
        )
    checked = {"name": public_domain, "acme_email": email_address}
    for field, convert in checked.items():
        try:
            options[field] = convert(options[field]) if options[field] else ""
        except HostError as error:
            raise InvalidInputError(
                f"'{options[field]}': {error}",
                where="--cname" if field == "name" else f"--{field.replace('_', '-')}",
            ) from error
    if not options["acme_directory"].startswith("https://"):
        raise InvalidInputError(
            "the directory of a certificate authority is an https:// address",
            where="--acme-directory",
        )
    for field in ("acme_roots", "trusted_roots", "dns_credentials"):
        options[field] = _existing(field, options[field])
    _check_provider(options)
    listen = list(options.pop("listen"))
    for address in listen:
        _check_address("listen", address)
    authority = options.pop("certificate_authority")
    if authority is None:
        authority = (
            "letsencrypt.org" if options["acme_directory"] in {LETS_ENCRYPT, STAGING} else ""
        )
    addresses = listen or ["0.0.0.0", *(["::"] if options["ipv6"] else [])]  # noqa: S104 - asked for
    return Public(
        addresses=addresses, certificate_authority=authority,
        **{
            **options,
            "resolvers": list(options["resolvers"]),
            "renew_check_seconds": int(options["renew_check_seconds"]),
        },
    )  # fmt: skip


def _check_address(flag: str, text: str) -> None:
    try:
        parsed = ipaddress.ip_address(text) if text else None
    except ValueError as error:
        raise InvalidInputError(f"'{text}' is not an IP address", where=f"--{flag}") from error
    if parsed is not None and flag in {"ipv4", "ipv6"} and flag != f"ipv{parsed.version}":
        raise InvalidInputError(f"'{text}' is an address of IPv{parsed.version}", where=f"--{flag}")


def _existing(field: str, path: Path | None) -> str:
    if path is None:
        return ""
    flag = "--" + field.replace("_", "-")
    if not path.is_file():
        raise InvalidInputError("there is no such file", where=f"{flag} {path}")
    return str(path.resolve())


def _check_provider(options: dict[str, Any]) -> None:
    """The credentials are read once here, so that a mistake is seen now and not at stage 6."""
    if options["cdn"] not in {NO_CDN, options["dns"]}:
        raise InvalidInputError(
            f"--cdn {options['cdn']} stands in front of a zone at {options['cdn']} alone",
            mend=f"--dns {options['cdn']}, or no --cdn",
        )
    if options["challenge"] == "dns-01" and options["dns"] == MANUAL:
        raise InvalidInputError(
            "the proof in DNS has to be written by somebody", where="--challenge dns-01",
            mend="--dns and --dns-credentials, or --challenge http-01",
        )  # fmt: skip
    if options["dns"] == MANUAL:
        if options["dns_credentials"]:
            raise InvalidInputError("credentials without a provider", mend="add --dns")
        return
    if not options["dns_credentials"]:
        raise InvalidInputError(
            f"--dns {options['dns']} needs its credentials", mend="--dns-credentials FILE"
        )
    open_provider(options["dns"], Path(options["dns_credentials"]))
