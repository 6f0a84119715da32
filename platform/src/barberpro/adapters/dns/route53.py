"""Amazon Route 53, API of 2013-04-01.

Source: docs.aws.amazon.com/Route53/latest/APIReference, ListHostedZonesByName,
ListResourceRecordSets and ChangeResourceRecordSets (UPSERT and DELETE of whole record sets).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.ElementTree import ParseError, fromstring
from pydantic import SecretStr
from requests_aws4auth import AWS4Auth

from barberpro.adapters.dns.credentials import Credentials
from barberpro.adapters.dns.http_api import call, refused
from barberpro.adapters.dns.records import DnsError, RecordSet, record_set

API = "https://route53.amazonaws.com"
VERSION = "/2013-04-01"
NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
SIGNED_FOR = "us-east-1"  # Route 53 has one endpoint for all regions


class Route53Credentials(Credentials):
    access_key_id: str
    secret_access_key: SecretStr
    session_token: SecretStr | None = None
    zone: str
    api: str = API


class Route53:
    """One hosted zone, looked up once by its name."""

    def __init__(self, credentials: Route53Credentials) -> None:
        self._given = credentials
        self._zone_path = ""
        token = credentials.session_token
        self._auth = AWS4Auth(
            credentials.access_key_id,
            credentials.secret_access_key.get_secret_value(),
            SIGNED_FOR,
            "route53",
            session_token=token.get_secret_value() if token else None,
        )
        self.title = f"Route 53, zone {credentials.zone}"

    def read(self, name: str, kind: str) -> RecordSet | None:
        parameters = {"name": name + ".", "type": kind, "maxitems": "1"}
        answer = self._request("GET", self._zone() + "/rrset", params=parameters)
        for entry in _all(answer, "ResourceRecordSet"):
            if _text(entry, "Name").rstrip(".") == name and _text(entry, "Type") == kind:
                values = [_text(value, "Value") for value in _all(entry, "ResourceRecord")]
                return record_set(name, kind, values, int(_text(entry, "TTL") or 0))
        return None

    def write(self, wanted: RecordSet) -> None:
        self._change("UPSERT", wanted)

    def remove(self, name: str, kind: str) -> None:
        """A record set is deleted by saying all of it, so it is read first."""
        found = self.read(name, kind)
        if found is not None:
            self._change("DELETE", found)

    def _change(self, action: str, entry: RecordSet) -> None:
        root = Element("ChangeResourceRecordSetsRequest", xmlns=NAMESPACE)
        change = SubElement(SubElement(SubElement(root, "ChangeBatch"), "Changes"), "Change")
        SubElement(change, "Action").text = action
        described = SubElement(change, "ResourceRecordSet")
        SubElement(described, "Name").text = entry.name + "."
        SubElement(described, "Type").text = entry.type
        SubElement(described, "TTL").text = str(entry.ttl)
        values = SubElement(described, "ResourceRecords")
        for value in entry.values:
            text = f'"{value}"' if entry.type == "TXT" else value
            SubElement(SubElement(values, "ResourceRecord"), "Value").text = text
        self._request("POST", self._zone() + "/rrset/", data=tostring(root))

    def _zone(self) -> str:
        if not self._zone_path:
            wanted = self._given.zone.rstrip(".") + "."
            parameters = {"dnsname": wanted, "maxitems": "1"}
            answer = self._request("GET", "/hostedzonesbyname", params=parameters)
            ids = [
                _text(zone, "Id")
                for zone in _all(answer, "HostedZone")
                if _text(zone, "Name") == wanted
            ]
            if not ids:
                raise DnsError(
                    f"there is no hosted zone {wanted} in this account",
                    where=self._given.api,
                    mend="check the zone, and that the key may route53:ListHostedZonesByName",
                )
            self._zone_path = "/hostedzone/" + ids[0].rpartition("/")[2]
        return self._zone_path

    def _request(self, method: str, path: str, **arguments: Any) -> Element:
        url = self._given.api + VERSION + path
        answer = call(method, url, title="Route 53", auth=self._auth, **arguments)
        try:
            body: Element = fromstring(answer.content)
        except ParseError as error:
            raise refused(answer, "Route 53", "no XML", "is this address Route 53's?") from error
        if answer.status_code >= 300:
            said = "; ".join(_text(body, name) for name in ("Code", "Message"))
            raise refused(
                answer,
                "Route 53",
                said.strip("; "),
                "check the key; it needs route53:ListResourceRecordSets and "
                "route53:ChangeResourceRecordSets on the zone",
            )
        return body


def _all(node: Element, name: str) -> Iterator[Element]:
    return node.iter(f"{{{NAMESPACE}}}{name}")


def _text(node: Element, name: str) -> str:
    found = next(_all(node, name), None)
    return (found.text or "") if found is not None else ""
