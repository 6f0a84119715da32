"""Licences, data requests, recordings and dentistry over HTTP, with sessions of real people."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_accounts import Accounts, Caller
from support_shop import Shop

from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject
from barberpro_app.odontogram.chart import ROWS, TEETH, Finding, fold, problem, surfaces
from barberpro_app.privacy_compliance.deadlines import add_business_days, due_at, is_business_day
from barberpro_app.provider_verification.documents import LARGEST, DocumentError, media_type
from barberpro_app.session_recording import jobs as house_jobs
from barberpro_app.treatment_plan.document import amount

API = "/api/v1"
SERVICES = ["api-gateway", "booking", "encrypted-notes-service", "provider-verification-service",
            "privacy-compliance-service", "session-recording-service", "odontogram-service",
            "treatment-plan-service"]  # fmt: skip
BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64 + b"IEND\xaeB`\x82"


@dataclass
class House:
    """A health business over HTTP: who signs in, and what they did."""

    shop: Shop
    accounts: Accounts
    caller: Caller
    patient: UUID
    booking: UUID
    cookies: dict[str, str]

    def ask(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        cookie = self.cookies[who] if who else ""
        headers = {"Cookie": f"{SESSION_COOKIE}={cookie}", **options.pop("headers", {})}
        return self.caller.request(method, API + path, headers=headers, **options)

    def get(self, who: str, path: str) -> Any:
        answer = self.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, who: str, path: str, body: Any, status: int = 201) -> Any:
        answer = self.ask(who, "POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    @property
    def at(self) -> str:
        return f"/clients/{self.patient}"


def staff_member(accounts: Accounts, role: str, provider: UUID | None, name: str) -> str:
    member = accounts.rows(
        "INSERT INTO staff_user (email, name, role, provider_id) VALUES (%s, %s, %s, %s)"
        " RETURNING id",
        f"{uuid4().hex[:8]}@house.example", name, role, provider,
    )[0][0]  # fmt: skip
    return accounts.session(Subject(staff_id=member))


@pytest.fixture
def house(shop: Shop, tmp_path: Path) -> Iterator[House]:
    accounts = Accounts.make(
        tmp_path, shop.url, services=SERVICES,
        compliance={"health_data": True, "clinical_retention_years": 10},
    )  # fmt: skip
    secret = accounts.home.folder / "secrets" / "notes-key"
    secret.write_text(base64.b64encode(os.urandom(32)).decode())
    patient, booking = shop.rows(
        "WITH c AS (INSERT INTO client (name, email, phone) VALUES ('Ana', 'ana@house.example',"
        "  '+541123456789') RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos, note)"
        " SELECT new_booking_code(), 'arrived', c.id, %s, s.id, l.id, now() - interval '5 min',"
        "  now() + interval '40 min', l.zone, 0, 'me duele' FROM c, location l, service s LIMIT 1"
        " RETURNING client_id, id",
        shop.providers[0],
    )[0]  # fmt: skip
    assert isinstance(patient, UUID)
    assert isinstance(booking, UUID)
    other = accounts.client("beto@house.example", "Beto")
    cookies = {
        "own": staff_member(accounts, "provider", shop.providers[0], "Dra. Propia"),
        "colleague": staff_member(accounts, "provider", shop.providers[1], "Dr. Otro"),
        "owner": staff_member(accounts, "owner", None, "Dueña"),
        "reception": staff_member(accounts, "reception", None, "Recepción"),
        "patient": accounts.session(Subject(client_id=patient)),
        "stranger": accounts.session(Subject(client_id=other)),
    }
    with accounts.browser() as caller:
        yield House(shop, accounts, caller, patient, booking, cookies)


# -- who gets in ---------------------------------------------------------------------------------


def test_what_is_not_enabled_is_not_there(shop: Shop, tmp_path: Path) -> None:
    accounts = Accounts.make(tmp_path, shop.url, services=["api-gateway", "booking"])
    with accounts.browser() as caller:
        for path in ("/licences", "/privacy/requests", "/recording-key", "/clinical-grants",
                     f"/clinical-records/{UUID(int=1)}"):  # fmt: skip
            assert caller.get(API + path).status_code == 404, path


def test_without_the_key_it_says_so_and_nothing_breaks(shop: Shop, tmp_path: Path) -> None:
    accounts = Accounts.make(tmp_path, shop.url, services=SERVICES)
    cookie = staff_member(accounts, "provider", shop.providers[0], "Dra.")
    with accounts.browser() as caller:
        states = caller.get("/health").json()["services"]
        assert states["encrypted-notes-service"] == "not_configured"
        assert states["provider-verification-service"] == "running"
        headers = {"Cookie": f"{SESSION_COOKIE}={cookie}"}
        answer = caller.get(f"{API}/clinical-records/{UUID(int=1)}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "notes_key_missing")


def test_object_level_access_over_http(house: House) -> None:
    record = f"/clinical-records/{house.patient}"
    paths = [record, f"{house.at}/odontogram", f"{house.at}/alerts", f"{house.at}/treatment-plans",
             f"{house.at}/health-cover", record + "/export"]  # fmt: skip
    token = house.accounts.token(house.caller, *SCOPES)
    for path in paths:
        expected = {"own": 200, "patient": 200, "colleague": 403, "owner": 404, "reception": 404,
                    "stranger": 404, "": 401}  # fmt: skip
        for who, status in expected.items():
            answer = house.ask(who, "GET", path) if who else house.caller.get(API + path)
            assert answer.status_code == status, (path, who, answer.text)
        program = house.caller.get(API + path, headers={"Authorization": f"Bearer {token}"})
        assert (program.status_code, program.json()["code"]) == (403, "person_needed")
    assert house.ask("patient", "GET", f"{house.at}/notes").status_code == 403
    assert house.ask("patient", "POST", f"{house.at}/alerts", json={}).status_code == 403


def test_the_command_changes_the_master_key(house: House) -> None:
    house.post("own", f"/clinical-records/{house.patient}/entries", {"text": "Antes"})
    folder = house.accounts.home.folder / "secrets"
    (folder / "notes-key-previous").write_text((folder / "notes-key").read_text())
    (folder / "notes-key").write_text(base64.b64encode(os.urandom(32)).decode())
    assert house.accounts.home.json("rotate-notes-key") == {"rotated": 1}
    assert house.accounts.home.json("rotate-notes-key") == {"rotated": 0}
    (folder / "notes-key-previous").unlink()
    with house.accounts.browser() as restarted:
        headers = {"Cookie": f"{SESSION_COOKIE}={house.cookies['own']}"}
        found = restarted.get(f"{API}/clinical-records/{house.patient}", headers=headers).json()
    assert found["entries"][0]["text"] == "Antes"


HOSTILE: list[tuple[str, str, Any]] = [
    ("POST", "/clinical-records/{p}/entries", {"text": ""}),
    ("POST", "/clinical-records/{p}/entries", {"text": "x" * 20_001}),
    ("POST", "/clinical-records/{p}/entries", {"text": "a\u202eb"}),
    ("POST", "/clinical-records/{p}/entries", {"text": "a\x00b"}),
    ("POST", "/clinical-records/{p}/entries", {"text": "x", "happened_at": "2099-01-01T00:00:00Z"}),
    ("POST", "/clinical-records/{p}/entries", {"text": "x", "author_name": "otro"}),
    ("POST", "/clinical-records/{p}/entries", {"text": ["x"]}),
    ("POST", "/clinical-records/{p}/entries/none/corrections", {"text": "x", "reason": "y" * 20}),
    ("POST", "/clinical-records/{p}/emergency-access", {"reason": "corto"}),
    ("POST", "/clients/{p}/notes", {"text": None}),
    ("POST", "/notes/search", {"words": "a b"}),
    ("POST", "/clients/{p}/odontogram", {"findings": [{"tooth": 19, "state": "caries"}]}),
    ("POST", "/clients/{p}/odontogram", {"findings": [{"tooth": 11, "surface": "O", "state": "caries"}]}),
    ("POST", "/clients/{p}/odontogram", {"findings": [{"tooth": 11, "surface": "M", "state": "crown"}]}),
    ("POST", "/clients/{p}/odontogram", {"findings": []}),
    ("POST", "/clients/{p}/treatment-plans", {"title": "x", "stages": [{"description": "y", "price": -1}]}),
    ("POST", "/clients/{p}/treatment-plans", {"title": "x", "stages": [{"description": "y", "price": 1.5}]}),
    ("POST", "/clients/{p}/treatment-plans", {"title": "x", "currency": "EUR", "stages": []}),
    ("POST", "/clients/{p}/treatment-plans",
     {"title": "x", "stages": [{"description": "y", "price": 100_000_000_000}] * 2}),
    ("PUT", "/clients/{p}/health-cover", {"insurer": ""}),
    ("POST", "/clients/{p}/lab-orders", {"laboratory": "L", "description": "x", "tooth": 99}),
    ("POST", "/session-recordings", {"booking_id": "x"}),
    ("POST", "/recording-key", {"public_key": "AAAA", "private_key_sealed": "", "salt": "", "iterations": 1}),
]  # fmt: skip


def test_hostile_input_is_refused_and_stores_nothing(house: House) -> None:
    before = house.accounts.rows("SELECT count(*) FROM audit_event")
    for method, path, body in HOSTILE:
        answer = house.ask("own", method, path.replace("{p}", str(house.patient)), json=body)
        assert answer.status_code == 422, (path, body, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert house.accounts.rows("SELECT count(*) FROM audit_event") == before


# -- licences ------------------------------------------------------------------------------------


def test_nobody_books_with_an_unverified_professional(house: House) -> None:
    shop = house.shop
    token = house.accounts.token(house.caller, *SCOPES)
    program = {"Authorization": f"Bearer {token}"}
    house.accounts.rows("SELECT verification_require(true)")
    rows = house.get("owner", "/licences")
    assert rows["required"]
    assert {item["todo"] for item in rows["items"]} == {"replace_provisional"}
    assert all(item["bookable"] for item in rows["items"])
    house.accounts.rows(
        "UPDATE licence SET valid_until = current_date - 2 WHERE provider_id <> %s",
        shop.providers[2],
    )
    wish = {"service_id": str(shop.services["cut"]), "location_id": str(shop.location),
            "client": {"name": "Ana", "email": "a@x.example"}}  # fmt: skip
    named = {
        **wish,
        "starts_at": shop.at("10:00").isoformat(),
        "provider_id": str(shop.providers[0]),
    }
    answer = house.caller.post(f"{API}/bookings", json=named, headers=program)
    assert (answer.status_code, answer.json()["code"]) == (409, "provider_unverified")
    for hour in ("10:00", "11:00"):
        body = {**wish, "starts_at": shop.at(hour).isoformat()}
        anyone = house.caller.post(f"{API}/bookings", json=body, headers=program).json()
        assert anyone["provider"]["id"] == str(shop.providers[2])
    moved = house.caller.post(
        f"{API}/bookings/{anyone['id']}/reschedule",
        json={"starts_at": shop.at("15:00").isoformat(), "provider_id": str(shop.providers[0]),
              "version": anyone["version"]},
        headers=program,
    )  # fmt: skip
    assert moved.json()["code"] == "provider_unverified"
    free = house.caller.get(
        f"{API}/availability",
        params={"service_id": wish["service_id"], "location_id": wish["location_id"],
                "date_from": shop.day.isoformat(), "days": 1, "from": shop.day.isoformat()},
    )  # fmt: skip
    offered = {p for p in map(str, shop.providers) if p in free.text}
    assert offered <= {str(shop.providers[2])}, free.text[:300]


def test_a_licence_from_claim_to_expiry(house: House) -> None:
    mine = f"/providers/{house.shop.providers[0]}/licences"
    claim = {"kind": "provincial", "number": "12.345", "jurisdiction": "Buenos Aires"}
    made = house.post("own", mine, claim)
    assert (made["status"], made["has_document"]) == ("pending", False)
    assert house.ask("own", "POST", mine, json=claim).status_code == 409
    assert house.ask("colleague", "POST", mine, json=claim).status_code == 404
    assert house.ask("reception", "POST", mine, json=claim).status_code == 403
    assert house.ask("patient", "POST", mine, json=claim).status_code == 403
    licence = f"/licences/{made['id']}"
    sent = house.ask("own", "PUT", f"{licence}/document", content=PNG)
    assert sent.json()["has_document"]
    assert house.ask("colleague", "GET", f"{licence}/document").status_code == 404
    document = house.ask("owner", "GET", f"{licence}/document")
    assert document.content == PNG
    assert document.headers["content-disposition"].startswith("attachment")
    for content in (b"", b"<html>", PNG[:-12], b"%PDF-1.7 cut", b"MZ" + PNG):
        assert house.ask("own", "PUT", f"{licence}/document", content=content).status_code == 422
    review = {"status": "verified", "valid_until": "2027-12-31", "version": made["version"]}
    assert house.ask("own", "POST", f"{licence}/review", json=review).status_code == 403
    past = {**review, "valid_until": "2020-01-01"}
    assert house.ask("owner", "POST", f"{licence}/review", json=past).status_code == 422
    done = house.post("owner", f"{licence}/review", review, 200)
    assert (done["status"], done["reviewed_by"]) == ("verified", "Dueña")
    assert house.ask("owner", "POST", f"{licence}/review", json=review).status_code == 409
    again = house.ask("own", "PUT", f"{licence}/document", content=PNG).json()
    assert again["status"] == "pending"


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_a_document_by_chance(content: bytes) -> None:
    with pytest.raises(DocumentError):
        media_type(content)
    assert media_type(PNG) == "image/png"
    with pytest.raises(DocumentError):
        media_type(PNG[:-12] + b"0" * LARGEST + PNG[-12:])


# -- data requests -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "received", "due"),
    [
        ("access", datetime(2026, 11, 24, 15, tzinfo=UTC), date(2026, 12, 5)),
        # Thursday; the 7th is a bridge and the 8th a holiday: 4, 9, 10, 11 and 14 December
        ("erasure", datetime(2026, 12, 3, 15, tzinfo=UTC), date(2026, 12, 15)),
        # late in the evening of the 23rd in Buenos Aires is the 24th in UTC
        ("access", datetime(2026, 11, 24, 2, tzinfo=UTC), date(2026, 12, 4)),
    ],
)
def test_deadlines(kind: Any, received: datetime, due: date) -> None:
    expected = datetime(due.year, due.month, due.day, tzinfo=BUENOS_AIRES)
    assert due_at(kind, received, BUENOS_AIRES, "AR") == expected


def test_a_clinical_copy_is_due_within_48_hours() -> None:
    now = datetime.now(UTC)
    assert due_at("clinical_copy", now, BUENOS_AIRES, "AR") == now + timedelta(hours=48)


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 15))
def test_business_days_are_business_days(day: date, count: int) -> None:
    last = add_business_days(day, count, "AR")
    assert is_business_day(last, "AR")
    between = (day + timedelta(days=n) for n in range(1, (last - day).days + 1))
    assert sum(is_business_day(one, "AR") for one in between) == count


def test_a_patient_sees_corrects_and_is_told_what_must_stay(house: House) -> None:
    entry = {"text": "Primera consulta"}
    house.post("own", f"/clinical-records/{house.patient}/entries", entry)
    data = house.get("patient", f"/privacy/clients/{house.patient}/data")
    assert data["data"]["client"][0]["email"] == "ana@house.example"
    assert data["clinical_entries"] == 1
    assert house.ask("stranger", "GET", f"/privacy/clients/{house.patient}/data").status_code == 403
    assert house.ask("reception", "GET", "/privacy/requests").status_code == 403
    empty = {"kind": "rectification", "detail": ""}
    assert house.ask("patient", "POST", "/privacy/requests", json=empty).status_code == 422
    asked = house.post("patient", "/privacy/requests", {"kind": "erasure"})
    assert asked["state"] == "open"
    again = house.ask("patient", "POST", "/privacy/requests", json={"kind": "erasure"})
    assert again.status_code == 409
    assert house.get("stranger", "/privacy/requests")["items"] == []
    assert [item["id"] for item in house.get("owner", "/privacy/requests")["items"]] == [
        asked["id"]
    ]
    where = f"/privacy/requests/{asked['id']}/decision"
    given_ = {"state": "done", "version": asked["version"]}
    assert house.ask("patient", "POST", where, json=given_).status_code == 403
    no_reason = {"state": "refused", "version": 1}
    assert house.ask("owner", "POST", where, json=no_reason).status_code == 422
    done = house.post("owner", where, given_, 200)
    assert done["state"] == "partly"
    outcomes = {item["record_class"]: item for item in done["decision"]}
    assert outcomes["clinical_record"]["outcome"] == "kept"
    assert "26.529" in outcomes["clinical_record"]["reason"]
    assert outcomes["contact"]["outcome"] == "kept"
    assert house.accounts.rows("SELECT name FROM client WHERE id = %s", house.patient) == [("Ana",)]
    assert house.accounts.rows("SELECT note FROM booking WHERE id = %s", house.booking) == [("",)]
    assert house.ask("owner", "POST", where, json=given_).status_code == 409


def test_who_has_no_clinical_record_is_forgotten(house: House) -> None:
    asked = house.post("stranger", "/privacy/requests", {"kind": "erasure"})
    where = f"/privacy/requests/{asked['id']}/decision"
    done = house.post("owner", where, {"state": "done", "version": 1}, 200)
    assert done["state"] == "done"
    assert house.accounts.rows("SELECT count(*) FROM client WHERE name = 'Beto'") == [(0,)]
    assert house.ask("stranger", "GET", "/privacy/requests").status_code == 401


def test_bookings_to_come_stop_an_erasure(house: House) -> None:
    house.accounts.rows("UPDATE booking SET status = 'confirmed', starts_at = now() + interval '1 h',"
                        " ends_at = now() + interval '2 h'")  # fmt: skip
    asked = house.post("patient", "/privacy/requests", {"kind": "erasure"})
    answer = house.ask(
        "owner", "POST", f"/privacy/requests/{asked['id']}/decision",
        json={"state": "done", "version": 1},
    )  # fmt: skip
    assert answer.json()["code"] == "bookings_to_come"


def test_a_consent_is_to_a_text_and_can_be_taken_back(house: House) -> None:
    offers = house.get("patient", "/privacy/consents?locale=es-AR")["offers"]
    offer = next(item for item in offers if item["purpose"] == "health_data")
    assert hashlib.sha256(offer["text"].encode()).hexdigest() == offer["text_sha256"]
    body = {"purpose": "health_data", "text_sha256": "0" * 64, "signed_name": "Ana"}
    assert house.ask("patient", "POST", "/privacy/consents", json=body).status_code == 409
    body["text_sha256"] = offer["text_sha256"]
    made = house.post("patient", "/privacy/consents", body)
    assert house.ask("patient", "POST", "/privacy/consents", json=body).status_code == 409
    revoke = f"/privacy/consents/{made['id']}/revocation"
    assert house.ask("stranger", "POST", revoke).status_code == 404
    assert house.ask("patient", "POST", revoke).json()["revoked_at"]
    house.post("patient", "/privacy/consents", body)
    for statement in ("UPDATE consent SET text = 'otro'", "DELETE FROM consent",
                      "UPDATE consent SET revoked_at = NULL"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            house.accounts.rows(statement)


# -- recordings ----------------------------------------------------------------------------------


def b64(count: int) -> str:
    return base64.b64encode(os.urandom(count)).decode()


def key_of(house: House, who: str = "own") -> str:
    draft = {"public_key": b64(422), "private_key_sealed": b64(1800), "salt": b64(16),
             "iterations": 600_000}  # fmt: skip
    made = house.post(who, "/recording-key", draft)
    assert made["private_key_sealed"].replace("\n", "") == draft["private_key_sealed"]
    key_id: str = made["id"]
    return key_id


def consent_to_record(house: House, who: str, status: int = 201) -> Any:
    text = "Acepto que se grabe esta sesión"
    offers = house.get("patient", "/privacy/consents")["offers"]
    assert text not in str(offers)
    shown = house.get("own", f"/bookings/{house.booking}/recording-consent")
    assert shown["text"].startswith(text)
    body = {"text_sha256": shown["text_sha256"], "signed_name": "Ana"}
    return house.post(who, f"/bookings/{house.booking}/recording-consent", body, status)


def draft_of(house: House, key_id: str) -> dict[str, Any]:
    return {"booking_id": str(house.booking), "key_id": key_id, "media_type": "audio/webm",
            "wrapped_key": b64(384), "keep_days": 30}  # fmt: skip


def test_a_session_is_recorded_only_with_its_consent(house: House) -> None:
    key_id = key_of(house)
    refused = house.ask("own", "POST", "/session-recordings", json=draft_of(house, key_id))
    assert refused.json()["code"] == "recording_consent"
    consent_to_record(house, "colleague", 404)
    consent_to_record(house, "stranger", 404)
    consent = consent_to_record(house, "patient")
    assert (consent["how"], consent["reference_id"]) == ("own_session", str(house.booking))
    stolen = key_of(house, "colleague")
    wrong = house.ask("own", "POST", "/session-recordings", json=draft_of(house, stolen))
    assert wrong.status_code == 422
    made = house.post("own", "/session-recordings", draft_of(house, key_id))
    at = f"/session-recordings/{made['id']}"
    parts = [os.urandom(size) for size in (100, 524_304, 17)]
    for number, part in enumerate(parts):
        assert house.ask("own", "PUT", f"{at}/chunks/{number}", content=part).status_code == 204
    assert house.ask("own", "PUT", f"{at}/chunks/1", content=parts[1]).status_code == 204
    for number, part, status in ((1, b"x" * 40, 409), (9, b"x" * 40, 409), (3, b"x" * 16, 422),
                                 (3, b"x" * 524_305, 422), (20_000, b"x" * 40, 422)):  # fmt: skip
        answer = house.ask("own", "PUT", f"{at}/chunks/{number}", content=part)
        assert answer.status_code == status, answer.text
    for who in ("colleague", "patient", "owner"):
        assert house.ask(who, "GET", f"{at}/chunks/0").status_code in {403, 404}
    assert house.post("own", f"{at}/completion", {}, 200)["state"] == "complete"
    late = house.ask("own", "PUT", f"{at}/chunks/3", content=b"x" * 40)
    assert late.json()["code"] == "recording_ended"
    played = house.get("own", at)
    assert (played["chunks"], played["bytes"]) == (3, sum(map(len, parts)))
    assert [house.ask("own", "GET", f"{at}/chunks/{n}").content for n in range(3)] == parts
    log = house.get("patient", f"/clinical-records/{house.patient}/accesses")["items"]
    assert {"recording_started", "recording_played"} <= {item["purpose"] for item in log}
    mine = house.get("patient", "/session-recordings")["items"]
    assert [item["id"] for item in mine] == [made["id"]]
    assert house.ask("patient", "DELETE", at).status_code == 204
    assert house.accounts.rows("SELECT count(*) FROM session_recording_chunk") == [(0,)]
    assert house.ask("own", "GET", at).status_code == 404


def test_taking_the_consent_back_stops_the_recording_and_deletes_it(house: House) -> None:
    key_id = key_of(house)
    consent = consent_to_record(house, "own")
    assert consent["how"] == "in_person"
    made = house.post("own", "/session-recordings", draft_of(house, key_id))
    at = f"/session-recordings/{made['id']}/chunks/0"
    house.ask("patient", "POST", f"/privacy/consents/{consent['id']}/revocation")
    stopped = house.ask("own", "PUT", at, content=b"x" * 40)
    assert stopped.json()["code"] == "recording_consent"
    from_job = house.accounts.using(_delete_due)
    assert from_job == 1
    assert house.accounts.rows("SELECT state FROM session_recording") == [("deleted",)]


async def _delete_due(database: Any) -> int:
    return await house_jobs.run(database)


def test_a_session_is_recorded_while_it_takes_place(house: House) -> None:
    key_id = key_of(house)
    consent_to_record(house, "patient")
    house.accounts.rows("UPDATE booking SET starts_at = starts_at - interval '2 days',"
                        " ends_at = ends_at - interval '2 days'")  # fmt: skip
    answer = house.ask("own", "POST", "/session-recordings", json=draft_of(house, key_id))
    assert answer.json()["code"] == "recording_not_now"


# -- dentistry -----------------------------------------------------------------------------------


def test_the_notation_has_52_teeth() -> None:
    assert len(TEETH) == 52
    assert [len(row) for row in ROWS] == [16, 10, 10, 16]
    assert surfaces(11) == ("M", "D", "I", "V", "P")
    assert surfaces(46) == ("M", "D", "O", "V", "L")
    assert ROWS[0][0] == 18
    assert ROWS[0][-1] == 28


FINDINGS = st.builds(
    Finding,
    st.sampled_from(sorted(TEETH)),
    st.sampled_from([None, "M", "D", "O", "I", "V", "L", "P"]),
    st.sampled_from(["healthy", "caries", "filling", "crown", "missing", "implant"]),
).filter(lambda finding: problem(finding) is None)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(FINDINGS, max_size=40))
def test_the_chart_forgets_nothing_and_shows_the_last(findings: list[Finding]) -> None:
    chart = fold(findings)
    assert sum(len(tooth.history) for tooth in chart.values()) == len(findings)
    for tooth in chart.values():
        last = tooth.history[-1]
        if last.surface is not None:
            assert tooth.by_surface[last.surface] == last
        elif last.state == "healthy":
            assert (tooth.whole, tooth.by_surface) == (None, {})
        else:
            assert tooth.whole == last
        if tooth.whole is not None and tooth.whole.state == "missing":
            assert not tooth.by_surface


def test_an_odontogram_is_entries_of_the_record(house: House) -> None:
    findings = [{"tooth": 16, "surface": "O", "state": "caries"}, {"tooth": 28, "state": "missing"}]
    house.post("own", f"{house.at}/odontogram", {"findings": findings})
    chart = house.post("own", f"{house.at}/odontogram",
                       {"findings": [{"tooth": 16, "surface": "O", "state": "filling"}]})  # fmt: skip
    teeth = {tooth["number"]: tooth for tooth in chart["teeth"]}
    assert teeth[16]["surfaces"][0]["state"] == "filling"
    assert [item["state"] for item in teeth[16]["history"]] == ["caries", "filling"]
    assert teeth[28]["whole"]["state"] == "missing"
    record = house.get("own", f"/clinical-records/{house.patient}")
    assert [entry["kind"] for entry in record["entries"]] == ["odontogram", "odontogram"]
    assert record["intact"]


def test_a_plan_from_draft_to_done(house: House) -> None:
    cover = {"insurer": "OSDE", "plan": "210", "affiliate_number": "61-123"}
    assert house.ask("own", "PUT", f"{house.at}/health-cover", json=cover).status_code == 200
    assert house.get("patient", f"{house.at}/health-cover")["insurer"] == "OSDE"
    draft = {"title": "Rehabilitación", "currency": "USD",
             "stages": [{"description": "Conducto", "tooth": 16, "price": 12_345},
                        {"description": "Corona", "tooth": 16, "price": 20_000}]}  # fmt: skip
    plan = house.post("own", f"{house.at}/treatment-plans", draft)
    at = f"/treatment-plans/{plan['id']}"
    assert plan["total"] == 32_345
    assert house.ask("patient", "GET", at).status_code == 404
    draft["stages"][1]["price"] = 20_001
    plan = house.ask("own", "PUT", at, json={**draft, "version": plan["version"]}).json()
    past = {"valid_until": "2020-01-01", "version": plan["version"]}
    assert house.ask("own", "POST", f"{at}/offer", json=past).status_code == 422
    until = (datetime.now(UTC).date() + timedelta(days=15)).isoformat()
    offered = house.post(
        "own", f"{at}/offer", {"valid_until": until, "version": plan["version"]}, 200
    )
    assert "US$ 323,46" in offered["document"]
    assert "OSDE" in offered["document"]
    assert "firma digital" not in offered["document"].lower()
    digest = hashlib.sha256(offered["document"].encode()).hexdigest()
    assert digest == offered["document_sha256"]
    changed = house.ask("own", "PUT", at, json={**draft, "version": offered["version"]})
    assert changed.json()["code"] == "plan_state"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        house.accounts.rows("UPDATE treatment_stage SET price = 1")
    wrong = {"signed_name": "Ana", "document_sha256": "0" * 64}
    assert house.ask("patient", "POST", f"{at}/acceptance", json=wrong).status_code == 409
    signed = {"signed_name": "Ana Pérez", "document_sha256": digest}
    assert house.ask("stranger", "POST", f"{at}/acceptance", json=signed).status_code == 404
    accepted = house.post("patient", f"{at}/acceptance", signed, 200)
    assert (accepted["state"], accepted["accepted_how"]) == ("accepted", "own_session")
    for number in (1, 2):
        done = house.ask("own", "PUT", f"{at}/stages/{number}", json={"state": "done"}).json()
    assert done["state"] == "completed"


def test_an_estimate_that_is_over_is_not_accepted(house: House) -> None:
    draft = {"title": "Limpieza", "stages": [{"description": "Limpieza", "price": 100}]}
    plan = house.post("own", f"{house.at}/treatment-plans", draft)
    at = f"/treatment-plans/{plan['id']}"
    until = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    offered = house.post("own", f"{at}/offer", {"valid_until": until, "version": 1}, 200)
    house.accounts.rows("UPDATE treatment_plan SET valid_until = current_date - 1")
    signed = {"signed_name": "Ana", "document_sha256": offered["document_sha256"]}
    assert (
        house.ask("patient", "POST", f"{at}/acceptance", json=signed).json()["code"]
        == "estimate_expired"
    )
    rejected = house.post("patient", f"{at}/rejection", {"version": offered["version"]}, 200)
    assert rejected["state"] == "rejected"


def test_alerts_and_laboratory(house: House) -> None:
    alerts = house.post("own", f"{house.at}/alerts", {"kind": "allergy", "text": "Penicilina"})
    assert house.get("patient", f"{house.at}/alerts") == alerts
    stored = str(house.accounts.rows("SELECT row_to_json(a)::text FROM patient_alert a"))
    assert "Penicilina" not in stored
    gone = house.ask("own", "DELETE", f"{house.at}/alerts/{alerts['items'][0]['id']}")
    assert gone.json()["items"] == []
    order = house.post("own", f"{house.at}/lab-orders",
                       {"laboratory": "Lab Sur", "description": "Corona", "tooth": 16})  # fmt: skip
    at = f"{house.at}/lab-orders/{order['id']}/state"
    jump = {"state": "fitted", "version": 1}
    assert house.ask("own", "PUT", at, json=jump).json()["code"] == "lab_state"
    for version, state in enumerate(("sent", "received", "returned", "received", "fitted"), 1):
        moved = house.ask("own", "PUT", at, json={"state": state, "version": version})
        assert moved.json()["state"] == state
    assert moved.json()["next"] == []


@pytest.mark.parametrize(
    ("hundredths", "currency", "shown"),
    [(0, "ARS", "$ 0,00"), (123_456_789, "ARS", "$ 1.234.567,89"), (5, "USD", "US$ 0,05")],
)
def test_amounts(hundredths: int, currency: str, shown: str) -> None:
    assert amount(hundredths, currency) == shown
