"""The router's configuration as Caddy's JSON: a pure function of state and records.

One host per deployment leads to its live revision; the preview token in a header leads to a revision
that is not live yet. TLS 1.3 alone, certificates of a local CA, loopback alone, access log in JSON
with the request's id and without query strings, tokens or headers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from barberpro.targets.local.layout import Layout
from barberpro.targets.local.pages import PREPARING, STOPPED, UNAVAILABLE, UNKNOWN, Page
from barberpro.targets.local.state import Deployment, PlatformState
from barberpro.targets.local.tls import certificates, plain_server

MAIL_HOST = "mail.localhost"
PREVIEW_HEADER = "X-BarberPro-Preview"
LIVE, PREVIEW = "live", "next"
REQUEST_ID = "X-Request-Id"
VALID_REQUEST_ID = "^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$"
BODY_BYTES = 26 * 1024 * 1024  # two photographs of a telephone
# Set only where the app did not. No Strict-Transport-Security: a browser that trusted the local CA
# once would lock its user out of <id>.localhost after that CA is gone.
DEFAULT_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# For public names alone, once they were seen to serve (RFC 6797).
STRICT_TRANSPORT: dict[str, object] = {
    "handler": "headers",
    "response": {"deferred": True, "set": {"Strict-Transport-Security": ["max-age=31536000"]}},
}
# Whatever follows "?" and any long run of letters and digits in a path may be a sign-in token.
MASKED_IN_URI = r"\?.*|[A-Za-z0-9_.-]{32,}"
Json = dict[str, object]


def ca_certificate(layout: Layout) -> Path:
    return layout.home / "router" / "pki" / "authorities" / "local" / "root.crt"


def sockets_of(layout: Layout, deployment: str, revision: int, count: int) -> list[Path]:
    """The sockets of a revision's web processes: short, whatever the deployment is called."""
    stem = app_socket_stem(deployment, revision)
    return [layout.socket(f"{stem}-{index}") for index in range(1, count + 1)]


def link_sockets(layout: Layout, deployment: str, which: str, count: int) -> list[Path]:
    """Links to the sockets of the revision that is ``which``: turning one is a rename, which needs no
    reload of the router (a reload loses about one connection under load; measured, see
    docs/explanation/local-target.md)."""
    stem = app_socket_stem(deployment, 0).removesuffix("r0")
    return [layout.socket(f"{stem}{which}-{index}") for index in range(1, count + 1)]


def app_socket_stem(deployment: str, revision: int) -> str:
    return f"{deployment[:8].rstrip('-')}-{hashlib.sha256(deployment.encode()).hexdigest()[:8]}-r{revision}"


def configuration(
    layout: Layout, state: PlatformState, records: Sequence[Deployment]
) -> dict[str, object]:
    """The whole configuration of Caddy."""
    # the sockets are open already and numbered from 3 on (``listen.py``): a reload keeps them
    secure = len(state.https_sockets)
    listen = [f"fd/{3 + index}" for index in range(secure)]
    hosts = sorted({MAIL_HOST, *(name for record in records for name in record.hostnames)})
    routes: list[Json] = [_request_id(), {"handle": [_default_headers()]}]
    routes += [_deployment_route(layout, record) for record in records]
    routes.append(_host([MAIL_HOST], [{"handle": [_proxy([layout.socket("mailbox")])]}]))
    routes.append({"handle": [_page(UNKNOWN)]})
    server: Json = {
        "listen": listen,
        "protocols": ["h1", "h2"],
        "read_header_timeout": "10s",
        "read_timeout": "60s",
        "idle_timeout": "2m",
        "max_header_bytes": 32768,
        "automatic_https": {"disable_redirects": True},
        "tls_connection_policies": [{"protocol_min": "tls1.3"}],
        "routes": routes,
        "errors": {"routes": [{"handle": [_default_headers(), _page(UNAVAILABLE)]}]},
        "logs": {"default_logger_name": "access"},
    }
    return {
        "admin": {"listen": f"unix/{layout.socket('router')}", "config": {"persist": False}},
        "storage": {"module": "file_system", "root": str(layout.run / "home" / "router")},
        "logging": _logging(layout),
        "apps": {
            "http": {
                "servers": {"public": server, **plain_server(state, records, 3 + secure)},
                "grace_period": "10s",
            },
            "pki": {
                "certificate_authorities": {
                    "local": {"name": "BarberPro local CA", "install_trust": False}
                }
            },
            "tls": certificates(state, records, hosts, layout.run / "home" / "certificates"),
        },
    }


def _logging(layout: Layout) -> Json:
    access: Json = {
        "writer": {
            "output": "file",
            "filename": str(layout.run / "home" / "logs" / "access.log"),
            "mode": "0600",
            "roll_size_mb": 10,
            "roll_keep": 5,
        },
        "encoder": {
            "format": "filter",
            "wrap": {"format": "json", "time_format": "rfc3339_nano"},
            "fields": {
                "request>headers": {"filter": "delete"},
                "request>tls": {"filter": "delete"},
                "resp_headers": {"filter": "delete"},
                "request>uri": {"filter": "regexp", "regexp": MASKED_IN_URI, "value": "***"},
            },
        },
        "include": ["http.log.access.access"],
    }
    default: Json = {"level": "WARN", "exclude": ["http.log.access.access"]}
    return {"logs": {"default": default, "access": access}}


def _request_id() -> Json:
    """A new id unless the client sent a plausible one."""
    return {
        "match": [{"not": [{"header_regexp": {REQUEST_ID: {"pattern": VALID_REQUEST_ID}}}]}],
        "handle": [
            {"handler": "headers", "request": {"set": {REQUEST_ID: ["{http.request.uuid}"]}}}
        ],
    }


def _default_headers() -> Json:
    defaults = [
        {
            "handler": "headers",
            "response": {
                "deferred": True,
                "require": {"headers": {name: None}},  # null: must be absent
                "set": {name: [value]},
            },
        }
        for name, value in DEFAULT_HEADERS.items()
    ]
    echoed = {
        "handler": "headers",
        "response": {
            "deferred": True,
            "set": {REQUEST_ID: [f"{{http.request.header.{REQUEST_ID}}}"]},
            "delete": ["Server", "Via"],
        },
    }
    recorded = {
        "handler": "log_append",
        "key": "request_id",
        "value": f"{{http.request.header.{REQUEST_ID}}}",
    }
    return {"handler": "subroute", "routes": [{"handle": [recorded, echoed, *defaults]}]}


def _host(names: Sequence[str], routes: list[Json]) -> Json:
    return {
        "match": [{"host": list(names)}],
        "handle": [{"handler": "subroute", "routes": routes}],
        "terminal": True,
    }


def _deployment_route(layout: Layout, record: Deployment) -> Json:
    routes: list[Json] = [
        {"handle": [{"handler": "log_append", "key": "deployment", "value": record.id}]},
        {
            "match": [{"path": ["/metrics", "/metrics/*"]}],
            "handle": [_page(UNKNOWN)],
            "terminal": True,
        },
        {"handle": [{"handler": "request_body", "max_size": BODY_BYTES}]},
    ]
    if record.strict:
        routes.append({"match": [{"host": record.strict}], "handle": [STRICT_TRANSPORT]})
    live = record.revisions.get(record.live) if record.live is not None else None
    if not record.stopped:
        shown = record.revisions.get(record.preview) if record.preview is not None else live
        count = shown.web_processes if shown is not None else 1
        routes.append(
            {
                "match": [{"header": {PREVIEW_HEADER: [record.preview_token]}}],
                "handle": [_proxy(link_sockets(layout, record.id, PREVIEW, count))],
                "terminal": True,
            }
        )
    if live is not None and not record.stopped:
        proxy = _proxy(link_sockets(layout, record.id, LIVE, live.web_processes))
        routes.append({"handle": [proxy]})
    else:
        routes.append({"handle": [_page(STOPPED if record.stopped else PREPARING)]})
    return _host(record.hostnames, routes)


def _proxy(sockets: Sequence[Path]) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"unix/{path}"} for path in sockets],
        "load_balancing": {
            "selection_policy": {"policy": "least_conn"},
            # a process that is being restarted is waited for; only what never reached it is repeated
            "try_duration": "3s",
            "try_interval": "50ms",
        },
        "headers": {"request": {"delete": [PREVIEW_HEADER]}},
        "transport": {
            "protocol": "http",
            "dial_timeout": "2s",
            # a kept connection would lead to the revision before, or to a process that just closed it
            "keep_alive": {"enabled": False},
        },
    }


def _page(page: Page) -> Json:
    headers = {
        "Content-Type": ["text/html; charset=utf-8"],
        "Cache-Control": ["no-store"],
        "Content-Security-Policy": ["default-src 'none'; style-src 'unsafe-inline'"],
    }
    if page.retry_seconds:
        headers["Retry-After"] = [str(page.retry_seconds)]
    return {
        "handler": "static_response",
        "status_code": page.status,
        "headers": headers,
        "body": page.html(),
    }
