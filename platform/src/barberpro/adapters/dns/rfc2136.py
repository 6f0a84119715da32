"""Dynamic updates of a zone (RFC 2136), signed by TSIG (RFC 8945): BIND, Knot, PowerDNS and others."""

from __future__ import annotations

from typing import Literal

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
from pydantic import Field, SecretStr

from barberpro.adapters.dns.credentials import Credentials
from barberpro.adapters.dns.records import DnsError, DnsPassingError, RecordSet, record_set

ANSWER_SECONDS = 5.0


class Rfc2136Credentials(Credentials):
    """``server`` is an IP address; ``key_secret`` is in base64, as tsig-keygen prints it."""

    server: str
    port: int = Field(default=53, ge=1, le=65535)
    zone: str
    key_name: str
    key_algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"
    key_secret: SecretStr


class Rfc2136:
    """One zone at its primary server."""

    def __init__(self, credentials: Rfc2136Credentials) -> None:
        self._given = credentials
        self._zone = dns.name.from_text(credentials.zone)
        self.title = f"{credentials.server}:{credentials.port}, zone {credentials.zone}"
        try:
            self._keys = dns.tsigkeyring.from_text(
                {credentials.key_name: credentials.key_secret.get_secret_value()}
            )
        except ValueError as error:
            raise DnsError(
                "key_secret is not base64", where=self.title, mend="copy it from tsig-keygen"
            ) from error

    def read(self, name: str, kind: str) -> RecordSet | None:
        question = dns.message.make_query(name + ".", kind)
        answer = self._ask(question)
        found = answer.get_rrset(
            answer.answer,
            dns.name.from_text(name),
            dns.rdataclass.IN,
            dns.rdatatype.from_text(kind),
        )
        if found is None:
            return None
        return record_set(name, kind, [str(entry) for entry in found], found.ttl)

    def write(self, wanted: RecordSet) -> None:
        update = self._update()
        name = dns.name.from_text(wanted.name).relativize(self._zone)
        update.delete(name, wanted.type)
        for value in wanted.values:
            text = f'"{value}"' if wanted.type == "TXT" else value
            update.add(name, wanted.ttl, wanted.type, text)
        self._ask(update)

    def remove(self, name: str, kind: str) -> None:
        update = self._update()
        update.delete(dns.name.from_text(name).relativize(self._zone), kind)
        self._ask(update)

    def _update(self) -> dns.update.UpdateMessage:
        given = self._given
        return dns.update.UpdateMessage(
            self._zone,
            keyring=self._keys,
            keyname=dns.name.from_text(given.key_name),
            keyalgorithm=given.key_algorithm,
        )

    def _ask(self, message: dns.message.Message) -> dns.message.Message:
        given = self._given
        try:
            answer = dns.query.tcp(message, given.server, ANSWER_SECONDS, given.port)
        except dns.tsig.PeerError as error:
            raise DnsError(
                f"the server refused the key: {error}",
                where=self.title,
                mend="check key_name, key_algorithm and key_secret, and both clocks",
            ) from error
        except (OSError, dns.exception.DNSException) as error:
            raise DnsPassingError(
                f"the DNS server did not answer: {str(error) or type(error).__name__}",
                where=self.title,
            ) from error
        code = answer.rcode()
        if code in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            return answer
        kind = DnsPassingError if code == dns.rcode.SERVFAIL else DnsError
        raise kind(
            f"the DNS server answers {dns.rcode.to_text(code)}",
            where=self.title,
            mend="REFUSED, NOTAUTH and NOTZONE mean: the key may not change this zone, or the zone is "
            "not there",
        )
