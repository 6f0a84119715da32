"""Cloudflare's API v4, DNS records for a zone.

Source: developers.cloudflare.com/api, "List/Create/Update/Delete DNS Record"; the token needs
Zone.Zone:Read and Zone.DNS:Edit on the one zone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import requests
from pydantic import SecretStr

from barberpro.adapters.dns.credentials import Credentials
from barberpro.adapters.dns.http_api import call, refused
from barberpro.adapters.dns.records import DnsError, RecordSet, canonical, record_set

API = "https://api.cloudflare.com/client/v4"
MANY = 100  # records of one name and type on a page
AUTOMATIC = 1  # seconds that stand for "as the network likes"


class CloudflareCredentials(Credentials):
    api_token: SecretStr
    zone: str
    api: str = API


class Cloudflare:
    """One zone. The zone's id is looked up once."""

    def __init__(self, credentials: CloudflareCredentials) -> None:
        self._given = credentials
        self._zone_id = ""
        self.title = f"Cloudflare, zone {credentials.zone}"

    def read(self, name: str, kind: str) -> RecordSet | None:
        found = self._records(name, kind)
        if not found:
            return None
        values = [_value(entry) for entry in found]
        read = record_set(name, kind, values, int(found[0].get("ttl", AUTOMATIC)))
        return replace(read, proxied=all(entry.get("proxied", False) for entry in found))

    def write(self, wanted: RecordSet) -> None:
        """Keeps what is right, adds what is missing, then removes what is left over, so that the
        name never stops answering."""
        found = self._records(wanted.name, wanted.type)
        have = {
            canonical(wanted.type, _value(entry)): entry
            for entry in found
            if bool(entry.get("proxied")) == wanted.proxied
        }
        right = [have[value]["id"] for value in wanted.values if value in have]
        spare = [entry for entry in found if entry["id"] not in right]
        for value in wanted.values:
            if value in have:
                continue
            body = self._body(wanted, value)
            if spare:
                self.call("PUT", f"/dns_records/{spare.pop()['id']}", json=body)
            else:
                self.call("POST", "/dns_records", json=body)
        for entry in spare:
            self.call("DELETE", f"/dns_records/{entry['id']}")

    def remove(self, name: str, kind: str) -> None:
        for entry in self._records(name, kind):
            self.call("DELETE", f"/dns_records/{entry['id']}")

    def _records(self, name: str, kind: str) -> list[dict[str, Any]]:
        found = self.call(
            "GET", "/dns_records", params={"name": name, "type": kind, "per_page": MANY}
        )
        return list(found)

    def _body(self, wanted: RecordSet, value: str) -> dict[str, Any]:
        ttl = AUTOMATIC if wanted.proxied else wanted.ttl
        body: dict[str, Any] = {"name": wanted.name, "type": wanted.type, "ttl": ttl}
        if wanted.type == "CAA":
            flags, tag, text = value.split(None, 2)
            body["data"] = {"flags": int(flags), "tag": tag, "value": text.strip('"')}
        else:
            body["content"] = f'"{value}"' if wanted.type == "TXT" else value.rstrip(".")
        if wanted.type in {"A", "AAAA", "CNAME"}:
            body["proxied"] = wanted.proxied
        return body

    def call(self, method: str, path: str, *, missing: Any = None, **arguments: Any) -> Any:
        """A call below the zone; its ``result``, or ``missing`` where there is no such thing."""
        url = f"/zones/{self._zone()}{path}"
        return self._request(method, url, missing=missing, **arguments)

    def _zone(self) -> str:
        if not self._zone_id:
            found = self._request("GET", "/zones", params={"name": self._given.zone})
            if not found:
                raise DnsError(
                    f"there is no zone {self._given.zone} that this token may see",
                    where=self._given.api,
                    mend="check the name of the zone, and that the token has Zone.Zone:Read on it",
                )
            self._zone_id = str(found[0]["id"])
        return self._zone_id

    def _request(self, method: str, path: str, *, missing: Any = None, **arguments: Any) -> Any:
        answer = call(
            method,
            self._given.api + path,
            title="Cloudflare",
            headers={"Authorization": f"Bearer {self._given.api_token.get_secret_value()}"},
            **arguments,
        )
        body = _body_of(answer)
        if answer.status_code == 404 and method in {"GET", "DELETE"}:
            return missing
        if not body.get("success"):
            said = "; ".join(str(entry.get("message")) for entry in body.get("errors") or [])
            raise refused(
                answer, "Cloudflare", said, "check the token: Zone.Zone:Read and Zone.DNS:Edit"
            )
        return body.get("result")


def _value(entry: dict[str, Any]) -> str:
    if entry.get("type") == "CAA" and isinstance(entry.get("data"), dict):
        data = entry["data"]
        return f'{data["flags"]} {data["tag"]} "{data["value"]}"'
    return str(entry["content"])


def _body_of(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
