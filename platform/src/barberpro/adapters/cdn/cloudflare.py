"""Cloudflare's cache rules for one deployment in a zone that it shares with others.

Source: developers.cloudflare.com/cache/how-to/cache-rules/create-api: the zone's entry point ruleset of the
phase http_request_cache_settings is read and written whole; of rules that match, later ones win.
The token needs Zone.Cache Rules:Edit beside what DNS needs.
"""

from __future__ import annotations

from typing import Any

from barberpro.adapters.cdn.rules import KEPT_PREFIXES
from barberpro.adapters.dns.cloudflare import Cloudflare, CloudflareCredentials

PHASE = "/rulesets/phases/http_request_cache_settings/entrypoint"
KEPT_OF_A_RULE = ("action", "action_parameters", "description", "enabled", "expression")


class CloudflareCdn:
    def __init__(self, credentials: CloudflareCredentials) -> None:
        self._api = Cloudflare(credentials)
        self.title = f"Cloudflare's CDN, zone {credentials.zone}"

    def keep_only_files(self, domain: str, deployment: str) -> bool:
        return self._replace(deployment, cache_rules(domain, deployment))

    def forget(self, deployment: str) -> bool:
        return self._replace(deployment, [])

    def _replace(self, deployment: str, ours: list[dict[str, Any]]) -> bool:
        """Rules of others stay, in their order, before ours."""
        there = [_writable(rule) for rule in self._rules()]
        wanted = [rule for rule in there if not _is_of(rule, deployment)] + ours
        if wanted == there:
            return False
        self._api.call("PUT", PHASE, json={"rules": wanted})
        return True

    def _rules(self) -> list[dict[str, Any]]:
        """None yet where the zone never had a ruleset of this phase."""
        found = self._api.call("GET", PHASE, missing={})
        return list(found.get("rules") or [])


def cache_rules(domain: str, deployment: str) -> list[dict[str, Any]]:
    host = f'http.host eq "{domain}"'
    files = " or ".join(
        f'starts_with(http.request.uri.path, "{prefix}")' for prefix in KEPT_PREFIXES
    )
    origin = {"mode": "respect_origin"}
    return [
        _rule(deployment, "nothing is kept", host, {"cache": False}),
        _rule(
            deployment,
            "but files that never change",
            f"{host} and ({files})",
            {"cache": True, "edge_ttl": origin, "browser_ttl": origin},
        ),
    ]


def _rule(
    deployment: str, what: str, expression: str, parameters: dict[str, Any]
) -> dict[str, Any]:
    return {
        "action": "set_cache_settings",
        "action_parameters": parameters,
        "description": f"{_mark(deployment)} {what}",
        "enabled": True,
        "expression": expression,
    }


def _mark(deployment: str) -> str:
    return f"barberpro {deployment}:"


def _is_of(rule: dict[str, Any], deployment: str) -> bool:
    return str(rule.get("description", "")).startswith(_mark(deployment))


def _writable(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule without what the network adds when it answers (id, version, dates)."""
    return {key: rule[key] for key in KEPT_OF_A_RULE if key in rule}
