"""The router's certificates: by the local CA, or by ACME (RFC 8555) for names that the world reaches.

Proof of control is given over plain HTTP (HTTP-01), on a server that does nothing else but send
browsers on to HTTPS; or in DNS (DNS-01), which the router has no word for: certificates obtained that way
are files that it loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from barberpro.targets.local.kept_certificates import newest
from barberpro.targets.local.state import Deployment, PlatformState, Public

Json = dict[str, object]


def certificates(
    state: PlatformState, records: Sequence[Deployment], hosts: Sequence[str], folder: Path
) -> Json:
    """Caddy's app ``tls`` for ``hosts``; ``folder`` has the certificates that were proved in DNS."""
    policies: list[Json] = [{"issuers": [{"module": "internal"}]}]
    certified = certified_names(records)
    in_dns = state.public is not None and state.public.challenge == "dns-01"
    files = {name: newest(folder, name) for name in certified} if in_dns else {}
    if state.public is not None and certified and not in_dns:
        policies.insert(0, {"subjects": certified, "issuers": [_acme(state.public)]})
    automation: Json = {"policies": policies}
    if state.public is not None:
        automation["renew_interval"] = f"{state.public.renew_check_seconds}s"
    loaded = {name: str(path) for name, path in files.items() if path is not None}
    given: Json = {"automate": sorted({*hosts, *certified} - loaded.keys())}
    if loaded:
        given["load_files"] = [
            {"certificate": path, "key": path, "tags": [name]} for name, path in loaded.items()
        ]
    return {"automation": automation, "certificates": given}


def certified_names(records: Sequence[Deployment]) -> list[str]:
    return sorted({name for record in records for name in record.certified})


def _acme(public: Public) -> Json:
    issuer: Json = {
        "module": "acme",
        "ca": public.acme_directory,
        "challenges": {
            "http": {"alternate_port": public.http_port},
            "tls-alpn": {"disabled": True},  # one way that is tested, not two
        },
    }
    if public.acme_email:
        issuer["email"] = public.acme_email
    if public.acme_roots:
        issuer["trusted_roots_pem_files"] = [public.acme_roots]
    return issuer


def plain_server(state: PlatformState, records: Sequence[Deployment], first: int) -> Json:
    """The server for plain HTTP on the sockets numbered from ``first`` on, where there are any."""
    public = state.public
    if public is None:
        return {}
    port = "" if public.https_port == 443 else f":{public.https_port}"
    names = certified_names(records)
    onward: Json = {
        "handler": "static_response",
        "status_code": 308,
        "headers": {"Location": [f"https://{{http.request.host}}{port}{{http.request.uri}}"]},
    }
    routes: list[Json] = [{"match": [{"host": names}], "handle": [onward]}] if names else []
    routes.append({"handle": [{"handler": "static_response", "status_code": 404}]})
    server: Json = {
        "listen": [f"fd/{first + index}" for index in range(len(state.http_sockets))],
        "protocols": ["h1"],
        "read_header_timeout": "5s",
        "idle_timeout": "30s",
        "max_header_bytes": 16384,
        "automatic_https": {"disable": True},
        "routes": routes,
    }
    return {"plain": server}
