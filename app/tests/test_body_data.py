"""Body data by the API: none without consent, gone when it is withdrawn, seen by those allowed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from support_accounts import Accounts, Caller
from support_activities import CSV, fit_file, gpx_file
from support_postgres import TestServer
from support_shop import Shop

from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.principal import SCOPES
from barberpro_app.identity.repository import Subject
from barberpro_app.kit.links import BookingLinks
from barberpro_app.migrations.run import run_migrations
from barberpro_app.notification.compose import Composer, OutgoingMessage
from barberpro_app.privacy_compliance.erasure import erase

SERVICES = ["api-gateway", "booking", "biometric-integration-service",
            "progress-tracking-service", "nutrition-service"]  # fmt: skip
EVERY = ("activity_data", "progress_data", "nutrition_data", "share_progress")
ORIGIN = "https://barbershop-test.localhost:8443"


@dataclass
class Person:
    """Somebody signed in."""

    caller: Caller
    cookie: str
    id: str

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {
            "cookie": f"{SESSION_COOKIE}={self.cookie}",
            "origin": ORIGIN,
            "sec-fetch-site": "same-origin",
        }
        return self.caller.request(method, f"/api/v1{path}", headers=headers, **options)

    def ok(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.ask(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        answer = self.ask(method, path, **options)
        return answer.status_code, answer.json().get("code", "")

    def agree(self, *purposes: str) -> None:
        for item in self.ok("GET", "/body-data/consents")["items"]:
            if item["purpose"] in purposes:
                draft = {"purpose": item["purpose"], "text_sha256": item["text_sha256"],
                         "locale": item["locale"], "signed_name": "Ana Paz"}  # fmt: skip
                self.ok("POST", "/body-data/consents", 201, json=draft)


@dataclass
class Gym:
    """A gym with a trainer, a nutritionist, an owner, and Ana, who trains with both."""

    accounts: Accounts
    ana: Person
    other: Person
    trainer: Person
    nutritionist: Person
    owner: Person
    nutritionist_id: str

    @property
    def home(self) -> str:
        return f"/clients/{self.ana.id}"

    def log(self) -> list[str]:
        rows = self.accounts.rows(
            "SELECT purpose FROM clinical_access WHERE client_id = %s ORDER BY id", self.ana.id
        )
        return [row[0] for row in rows]


@pytest.fixture
def gym(shop: Shop, tmp_path: Path) -> Iterator[Gym]:
    accounts = Accounts.make(tmp_path, shop.url, services=SERVICES, vertical="fitness")
    ana = accounts.client("ana@x.example", "Ana Paz")
    other = accounts.client("eva@x.example", "Eva Sol")

    def staff(name: str, role: str, provider: UUID | None) -> UUID:
        found: UUID = accounts.rows(
            "INSERT INTO staff_user (email, name, role, provider_id) VALUES (%s, %s, %s, %s)"
            " RETURNING id",
            f"{name}@x.example", name, role, provider,
        )[0][0]  # fmt: skip
        return found

    with accounts.browser() as caller:

        def person(subject: Subject, key: UUID) -> Person:
            return Person(caller, accounts.session(subject), str(key))

        def member(name: str, role: str, provider: UUID | None) -> Person:
            key = staff(name, role, provider)
            return person(Subject(staff_id=key), key)

        for day, provider in enumerate(shop.providers[:2]):
            accounts.rows(
                "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
                " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), 'completed',"
                " %s, %s, s.id, l.id, now() - make_interval(days => %s), now() - make_interval("
                " days => %s) + interval '40 min', l.zone, 0 FROM location l, service s LIMIT 1",
                ana, provider, day + 1, day + 1,
            )  # fmt: skip
        yield Gym(
            accounts,
            person(Subject(client_id=ana), ana),
            person(Subject(client_id=other), other),
            member("trainer", "provider", shop.providers[0]),
            member("nutritionist", "provider", shop.providers[1]),
            member("boss", "owner", None),
            str(shop.providers[1]),
        )


def profile(**changes: Any) -> dict[str, Any]:
    return {"born_on": "1990-05-01", "sex": "female", "height_cm": 165, "weight_kg": 62.0,
            "activity": "moderate", "aim": "keep", **changes}  # fmt: skip


def plan(*foods: str, **changes: Any) -> dict[str, Any]:
    items = [{"food": food, "grams": 100} for food in foods]
    return {"title": "Semana 1", "days": [{"name": "Lunes", "meals": [
        {"name": "Almuerzo", "items": items}]}], **changes}  # fmt: skip


def test_nothing_is_kept_without_consent(gym: Gym) -> None:
    measure = {"kind": "weight", "value": 70, "measured_on": "2025-11-01"}
    goal = {"kind": "weight", "target": 65, "by_day": "2035-11-01", "start_value": 70}
    needed = (409, "consent_needed")
    ana = gym.ana
    assert ana.refused("POST", f"{gym.home}/measurements", json=measure) == needed
    assert ana.refused("POST", f"{gym.home}/progress-goals", json=goal) == needed
    assert ana.refused("POST", "/activity-imports", content=fit_file()) == needed
    assert ana.refused("PUT", f"{gym.home}/nutrition-profile", json=profile()) == needed
    for table in (
        "activity_import",
        "activity",
        "measurement",
        "progress_goal",
        "nutrition_profile",
    ):
        assert gym.accounts.rows(f"SELECT count(*) FROM {table}")[0][0] == 0


def test_consent_is_to_the_text_that_was_shown(gym: Gym) -> None:
    shown = gym.ana.ok("GET", "/body-data/consents")["items"]
    assert [item["purpose"] for item in shown] == [
        "progress_data", "activity_data", "nutrition_data", "share_progress"
    ]  # fmt: skip
    draft = {"purpose": "progress_data", "text_sha256": "0" * 64, "signed_name": "Ana"}
    assert gym.ana.refused("POST", "/body-data/consents", json=draft)[1] == "consent_text_changed"
    gym.ana.agree("progress_data")
    draft["text_sha256"] = shown[0]["text_sha256"]
    assert gym.ana.refused("POST", "/body-data/consents", json=draft)[1] == "duplicate"
    given = gym.ana.ok("GET", "/body-data/consents")["items"][0]["given"]
    assert given["text_version"]
    assert given["given_at"]


def test_withdrawing_deletes_at_once_and_only_what_it_was_for(gym: Gym) -> None:
    ana = gym.ana
    ana.agree(*EVERY)
    ana.ok("POST", f"{gym.home}/measurements", 201,
           json={"kind": "weight", "value": 70.04, "measured_on": "2025-11-01"})  # fmt: skip
    ana.ok("POST", "/activity-imports", 201, content=fit_file())
    ana.ok("PUT", f"{gym.home}/nutrition-profile", json=profile())
    ana.ok("DELETE", "/body-data/consents/activity_data")
    assert ana.ok("GET", f"{gym.home}/activities")["items"] == []
    assert ana.ok("GET", f"{gym.home}/measurements")["items"][0]["value"] == 70.0
    ana.ok("DELETE", "/body-data/consents/progress_data")
    assert ana.ok("GET", f"{gym.home}/measurements")["items"] == []
    ana.ok("DELETE", "/body-data/consents/nutrition_data")
    assert ana.refused("GET", f"{gym.home}/nutrition-profile")[0] == 404
    assert ana.refused("DELETE", "/body-data/consents/nutrition_data")[0] == 404
    kept = gym.accounts.rows("SELECT count(*), count(revoked_at) FROM consent")[0]
    assert kept == (4, 3)


def test_writing_and_withdrawing_at_once_leave_nothing(gym: Gym) -> None:
    """Whichever is first: after the withdrawal there is no row."""
    url = gym.accounts.url
    for attempt in range(12):
        gym.ana.agree("progress_data")
        start = threading.Barrier(2)

        def write(day: int = attempt, start: threading.Barrier = start) -> None:
            with psycopg.connect(url) as connection:
                start.wait(60)
                try:
                    connection.execute(
                        "INSERT INTO measurement (client_id, kind, measured_on, value, written_by)"
                        " VALUES (%s, 'weight', '2026-01-01'::date + %s, 70, 'client')",
                        (gym.ana.id, day),
                    )
                except psycopg.DatabaseError as error:
                    if error.diag.message_primary != "consent_needed":
                        raise

        def withdraw(start: threading.Barrier = start) -> None:
            with psycopg.connect(url) as connection:
                start.wait(60)
                connection.execute("UPDATE consent SET revoked_at = clock_timestamp()"
                                   " WHERE revoked_at IS NULL")  # fmt: skip

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(write), pool.submit(withdraw)]:
                done.result(30)
        assert gym.accounts.rows("SELECT count(*) FROM measurement")[0][0] == 0


def test_who_sees(gym: Gym) -> None:
    ana, trainer = gym.ana, gym.trainer
    ana.agree("progress_data", "activity_data")
    ana.ok("POST", f"{gym.home}/measurements", 201,
           json={"kind": "waist", "value": 80, "measured_on": "2025-11-01"})  # fmt: skip
    for path in ("measurements", "progress-goals", "progress.csv", "activities"):
        assert gym.other.refused("GET", f"{gym.home}/{path}")[0] == 404
        assert gym.owner.refused("GET", f"{gym.home}/{path}")[0] == 404
        assert trainer.refused("GET", f"{gym.home}/{path}") == (403, "not_shared")
    assert gym.log() == []
    ana.agree("share_progress")
    found = trainer.ok("GET", f"{gym.home}/measurements")["items"]
    assert [item["value"] for item in found] == [80]
    assert trainer.refused("GET", f"{gym.home}/nutrition-plans") == (409, "consent_needed")
    assert trainer.ok("GET", "/body-data/clients")["items"][0]["shared"] is True
    assert gym.owner.refused("GET", "/body-data/clients")[0] == 403
    trainer.ok("POST", f"{gym.home}/measurements", 201,
               json={"kind": "squat_1rm", "value": 90, "measured_on": "2025-11-03"})  # fmt: skip
    assert gym.log() == ["progress_read", "progress_changed"]
    looks = ana.ok("GET", "/body-data/looks")["items"]
    assert [(look["actor_name"], look["purpose"]) for look in looks] == [
        ("trainer", "progress_changed"), ("trainer", "progress_read"),
    ]  # fmt: skip
    ana.ok("DELETE", "/body-data/consents/share_progress")
    assert trainer.refused("GET", f"{gym.home}/measurements") == (403, "not_shared")
    assert len(ana.ok("GET", f"{gym.home}/measurements")["items"]) == 2


def test_a_program_sees_nothing(gym: Gym) -> None:
    with gym.accounts.browser() as caller:
        token = gym.accounts.token(caller, *SCOPES)
        for path in ("measurements", "activities", "nutrition-plans", "nutrition-profile"):
            answer = caller.get(
                f"/api/v1{gym.home}/{path}", headers={"authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 403
            assert caller.get(f"/api/v1{gym.home}/{path}").status_code == 401


def test_files_are_imported_once(gym: Gym) -> None:
    ana = gym.ana
    ana.agree("activity_data", "progress_data", "share_progress")
    made = ana.ok("POST", "/activity-imports", 201, content=fit_file())
    assert (made["format"], len(made["items"]), made["duplicates"]) == ("fit", 1, 0)
    duplicate = (409, "activity_duplicate")
    assert ana.refused("POST", "/activity-imports", content=fit_file()) == duplicate
    # the same outing from another device
    assert ana.refused("POST", "/activity-imports", content=gpx_file()) == duplicate
    table = ana.ok("POST", "/activity-imports", 201, content=CSV)
    assert (len(table["items"]), table["duplicates"]) == (2, 0)
    half = fit_file()[: len(fit_file()) // 2]
    assert ana.refused("POST", "/activity-imports", content=half) == (422, "file_broken")
    assert ana.refused("POST", "/activity-imports", content=b"?") == (422, "file_unknown")
    listed = ana.ok("GET", f"{gym.home}/activities")["items"]
    assert len(listed) == 3
    assert gym.accounts.rows("SELECT count(*) FROM activity_import")[0][0] == 2
    for item in listed:
        if item["format"] == "fit":
            assert gym.other.refused("DELETE", f"/activities/{item['id']}")[0] == 404
            ana.ok("DELETE", f"/activities/{item['id']}", 204)
    assert gym.accounts.rows("SELECT count(*) FROM activity_import")[0][0] == 1
    weeks = ana.ok("GET", f"{gym.home}/measurements?kind=week_minutes")["items"]
    assert [(week["measured_on"], week["value"]) for week in weeks] == [("2025-11-09", 90.5)]
    by_trainer = gym.trainer.ok(
        "POST", f"/activity-imports?client_id={ana.id}", 201, content=fit_file(minutes=20)
    )
    assert len(by_trainer["items"]) == 1
    assert gym.trainer.refused("POST", "/activity-imports", content=b"x")[0] == 403


def test_one_file_from_two_windows_is_imported_once(gym: Gym) -> None:
    gym.ana.agree("activity_data")
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(gym.ana.ask, "POST", "/activity-imports", content=content)
            for content in (fit_file(), fit_file(), gpx_file(), fit_file(minutes=31))
        ]
        codes = sorted(job.result(60).status_code for job in jobs)
    assert codes == [201, 409, 409, 409]
    assert gym.accounts.rows("SELECT count(*) FROM activity")[0][0] == 1
    assert gym.accounts.rows("SELECT count(*) FROM activity_import")[0][0] == 1


def test_values_are_plausible_and_one_a_day(gym: Gym) -> None:
    ana = gym.ana
    ana.agree("progress_data")

    def measure(kind: str, value: object, day: str = "2025-11-01") -> tuple[int, str]:
        draft = {"kind": kind, "value": value, "measured_on": day}
        return ana.refused("POST", f"{gym.home}/measurements", json=draft)

    assert measure("weight", 700) == (422, "measure_range")
    assert measure("weight", "NaN")[0] == 422
    assert measure("week_minutes", 30) == (422, "measure_counted")
    assert measure("nothing", 30) == (404, "not_found")
    assert measure("weight", 70, "2099-01-01")[0] == 422
    assert measure("weight", 70)[0] == 201
    assert measure("weight", 71.25)[0] == 201
    found = ana.ok("GET", f"{gym.home}/measurements")["items"]
    assert [item["value"] for item in found] == [71.2]
    csv = ana.ask("GET", f"{gym.home}/progress.csv").text
    assert csv.startswith("\ufefffecha,medida")
    assert "2025-11-01,weight,Peso,71.2,kg," in csv
    ana.ok("DELETE", f"/measurements/{found[0]['id']}", 204)
    assert ana.refused("DELETE", f"/measurements/{found[0]['id']}")[0] == 404


def test_a_goal_is_followed(gym: Gym) -> None:
    ana = gym.ana
    ana.agree("progress_data")
    goal = {"kind": "weight", "target": 60, "by_day": "2035-06-01"}
    path = f"{gym.home}/progress-goals"
    assert ana.refused("POST", path, json=goal) == (409, "goal_start")
    today = gym.accounts.rows("SELECT (now() AT TIME ZONE 'America/Argentina/Buenos_Aires')::date")
    day = str(today[0][0])

    def weigh(value: float) -> None:
        draft = {"kind": "weight", "value": value, "measured_on": day}
        ana.ok("POST", f"{gym.home}/measurements", 201, json=draft)

    weigh(70)
    made = ana.ok("POST", path, 201, json=goal)
    assert (made["start_value"], made["done"], made["reached_on"]) == (70, 0, None)
    assert ana.refused("POST", path, json=goal) == (409, "goal_open")
    weigh(65)
    assert ana.ok("GET", path)["items"][0]["done"] == 0.5
    weigh(59.5)
    assert ana.ok("GET", path)["items"][0]["reached_on"] == day
    ana.ok("DELETE", f"/progress-goals/{made['id']}", 204)
    ana.ok("POST", path, 201, json={**goal, "target": 55})
    assert [item["ended"] for item in ana.ok("GET", path)["items"]] == [False, True]
    assert ana.refused("POST", path, json={**goal, "by_day": "2020-01-01"})[0] == 422


def test_a_measure_of_the_business(gym: Gym) -> None:
    draft = {"key": "vo2max", "name_es": "VO2 máx", "name_en": "VO2 max", "unit": "ml/kg/min",
             "least": 10, "most": 100}  # fmt: skip
    assert gym.trainer.refused("POST", "/measure-kinds", json=draft)[0] == 403
    made = gym.owner.ok("POST", "/measure-kinds", 201, json=draft)
    assert gym.owner.refused("POST", "/measure-kinds", json=draft) == (409, "duplicate")
    gym.ana.agree("progress_data")
    value = {"kind": "vo2max", "value": 48.5, "measured_on": "2025-11-01"}
    gym.ana.ok("POST", f"{gym.home}/measurements", 201, json=value)
    switch = {"active": False, "version": made["version"]}
    gym.owner.ok("PUT", "/measure-kinds/vo2max", json=switch)
    assert gym.owner.refused("PUT", "/measure-kinds/vo2max", json=switch)[0] == 409
    assert gym.ana.refused("POST", f"{gym.home}/measurements", json=value)[0] == 404
    assert len(gym.ana.ok("GET", f"{gym.home}/measurements")["items"]) == 1


def test_a_plan_is_shown_when_a_nutritionist_signed_that_version(gym: Gym) -> None:
    ana, trainer, pro = gym.ana, gym.trainer, gym.nutritionist
    ana.agree("nutrition_data", "share_progress")
    ana.ok("PUT", f"{gym.home}/nutrition-profile", json=profile(avoids=["peanut"]))
    targets = pro.ok("GET", f"{gym.home}/nutrition-targets")
    (age,) = gym.accounts.rows("SELECT extract(year FROM age('1990-05-01'::date))::integer")[0]
    resting = 10 * 62 + 6.25 * 165 - 5 * age - 161
    assert (targets["resting_kcal"], targets["kcal"]) == (round(resting), round(resting * 1.55))
    home = f"{gym.home}/nutrition-plans"
    assert ana.refused("POST", home, json=plan("apple"))[0] == 403
    assert pro.refused("POST", home, json=plan("unobtainium")) == (422, "food_unknown")
    made = pro.ok("POST", home, 201, json=plan("apple", "chicken-breast-roasted"))
    assert made["days"][0]["sums"]["kcal"] == 52 + 165
    path = f"/nutrition-plans/{made['id']}"
    assert ana.ok("GET", home)["items"] == []
    assert ana.refused("GET", path)[0] == 404
    sign = {"sha256": made["sha256"]}
    for who in (trainer, pro):
        assert who.refused("POST", f"{path}/signature", json=sign) == (403, "nutritionist_needed")
    licence = {"licence_number": "MN 1234", "jurisdiction": "Nacional"}
    entry = f"/providers/{gym.nutritionist_id}/nutritionist"
    assert pro.refused("PUT", entry, json=licence)[0] == 403
    assert gym.owner.ok("PUT", entry, json=licence)["may_sign"] is True
    assert trainer.refused("POST", f"{path}/signature", json=sign)[1] == "nutritionist_needed"
    signed = pro.ok("POST", f"{path}/signature", json=sign)
    assert signed["signature"]["licence_number"] == "MN 1234"
    assert pro.refused("POST", f"{path}/signature", json=sign)[1] == "plan_signed"
    assert ana.ok("GET", path)["number"] == 1
    told = gym.accounts.rows(
        "SELECT recipient, payload FROM message WHERE kind = 'nutrition_signed'"
    )
    assert told == [("ana@x.example", {"name": "Ana Paz"})]
    change = {**plan("banana"), "read_sha256": made["sha256"]}
    second = trainer.ok("PUT", path, json=change)
    assert (second["number"], second["signature"]) == (2, None)
    assert trainer.refused("PUT", path, json=change)[1] == "plan_changed"
    assert ana.ok("GET", path)["days"][0]["meals"][0]["items"][0]["food"] == "apple"
    assert pro.refused("POST", f"{path}/signature", json=sign)[1] == "plan_changed"
    third = trainer.ok("PUT", path, json={**plan("peanuts"), "read_sha256": second["sha256"]})
    assert third["number"] == 2  # nobody had signed the second
    wrong = {"sha256": third["sha256"]}
    assert pro.refused("POST", f"{path}/signature", json=wrong)[1] == "nutrition_avoided"
    fourth = pro.ok("PUT", path, json={**plan("banana"), "read_sha256": third["sha256"]})
    pro.ok("POST", f"{path}/signature", json={"sha256": fourth["sha256"]})
    assert ana.ok("GET", path)["days"][0]["meals"][0]["items"][0]["food"] == "banana"
    pro.ok("DELETE", path, 204)
    assert ana.refused("GET", path)[0] == 404
    assert gym.accounts.rows("SELECT count(*) FROM nutrition_signature")[0][0] == 2


@pytest.mark.parametrize(("locale", "subject"), [("es-AR", "plan está listo"), ("en", "is ready")])
def test_the_message_about_a_plan_says_nothing_of_it(gym: Gym, locale: str, subject: str) -> None:
    settings = gym.accounts.settings
    links = BookingLinks(settings.secrets.key("session-key"), settings.app.public_url)
    message = OutgoingMessage(
        id=uuid.uuid4(), kind="nutrition_signed", recipient="ana@x.example", locale=locale,
        payload={"name": "Ana"}, attempts=0, created_at=datetime.now(UTC), attempt_id=uuid.uuid4(),
    )  # fmt: skip
    made = Composer(settings.app, links).compose(message)
    assert subject in str(made["Subject"])
    body = made.get_body(("plain",))
    assert body is not None
    assert "/mi-plan" in body.get_content()


def test_a_licence_that_is_over_does_not_sign(gym: Gym) -> None:
    gym.ana.agree("nutrition_data", "share_progress")
    made = gym.nutritionist.ok("POST", f"{gym.home}/nutrition-plans", 201, json=plan("apple"))
    path = f"/nutrition-plans/{made['id']}/signature"
    licence = {"licence_number": "1", "jurisdiction": "Córdoba", "valid_until": "2020-01-01"}
    entry = f"/providers/{gym.nutritionist_id}/nutritionist"
    assert gym.owner.ok("PUT", entry, json=licence)["may_sign"] is False
    sign = {"sha256": made["sha256"]}
    assert gym.nutritionist.refused("POST", path, json=sign)[1] == "nutritionist_needed"
    gym.owner.ok("PUT", entry, json={**licence, "valid_until": None})
    gym.accounts.rows("SELECT verification_require(true)")
    gym.accounts.rows("UPDATE licence SET status = 'rejected'")
    assert gym.nutritionist.refused("POST", path, json=sign)[1] == "nutritionist_needed"
    gym.accounts.rows(
        "INSERT INTO licence (provider_id, kind, number, jurisdiction, status) VALUES"
        " (%s, 'national', '1', 'AR', 'verified')",
        gym.nutritionist_id,
    )
    gym.nutritionist.ok("POST", path, json=sign)


def test_a_signed_version_cannot_be_changed_in_the_database(gym: Gym) -> None:
    gym.ana.agree("nutrition_data", "share_progress")
    gym.nutritionist.ok("POST", f"{gym.home}/nutrition-plans", 201, json=plan("apple"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        gym.accounts.rows("UPDATE nutrition_version SET author_name = 'x'")
    with pytest.raises(psycopg.errors.CheckViolation):
        gym.accounts.rows(
            "INSERT INTO nutrition_version SELECT plan_id, 9, '{}x', sha256, author_name, now()"
            " FROM nutrition_version"
        )


def test_the_table_of_foods(gym: Gym) -> None:
    found = gym.ana.ok("GET", "/foods?q=pollo pech")["items"]
    assert [food["key"] for food in found] == ["chicken-breast", "chicken-breast-roasted"]
    every = gym.ana.ok("GET", "/foods")
    assert len(every["items"]) > 70
    assert "public domain" in every["sources"][0]["licence"]
    for food in every["items"]:
        assert food["source"] == "usda-sr28"
        assert food["source_id"]
        assert food["source_name"]
        energy = food["protein_g"] * 4 + food["carbohydrate_g"] * 4 + food["fat_g"] * 9
        # Atwater's general factors are near, with less for fibre
        assert abs(energy - food["kcal"]) <= 20 + 0.2 * food["kcal"] + 2.5 * food["fibre_g"]
    assert gym.ana.ask("GET", "/foods").headers["cache-control"] == "no-store"


def test_an_erasure_takes_body_data_along(gym: Gym) -> None:
    gym.ana.agree(*EVERY)
    gym.ana.ok("POST", "/activity-imports", 201, content=CSV)
    gym.nutritionist.ok("POST", f"{gym.home}/nutrition-plans", 201, json=plan("apple"))
    app, client = gym.accounts.settings.app, UUID(gym.ana.id)
    decisions = gym.accounts.run(lambda connection: erase(connection, app, client))
    outcome = {item.record_class: item.outcome for item in decisions}
    assert outcome["body_data"] == "erased"
    assert "review" not in outcome.values()
    for table in ("activity", "nutrition_plan", "nutrition_version"):
        assert gym.accounts.rows(f"SELECT count(*) FROM {table}")[0][0] == 0


def milanesa(**changes: Any) -> dict[str, Any]:
    return {"name": "Milanesa de ternera al horno", "kcal": 230, "protein_g": 22.0,
            "carbohydrate_g": 13.0, "fat_g": 10.0, "fibre_g": 0.8, "contains": ["gluten", "egg"],
            "source": "Receta propia, calculada", **changes}  # fmt: skip


def test_a_nutritionist_adds_foods_with_their_source(gym: Gym) -> None:
    pro, trainer = gym.nutritionist, gym.trainer
    assert pro.refused("POST", "/foods", json=milanesa()) == (403, "nutritionist_needed")
    licence = {"licence_number": "MN 1", "jurisdiction": "Nacional"}
    gym.owner.ok("PUT", f"/providers/{gym.nutritionist_id}/nutritionist", json=licence)
    assert trainer.refused("POST", "/foods", json=milanesa())[0] == 403
    for wrong in ({"protein_g": 70.0, "fat_g": 50.0}, {"kcal": 20}, {"fibre_g": 40.0}):
        assert pro.refused("POST", "/foods", json=milanesa(**wrong)) == (422, "food_sums")
    assert pro.refused("POST", "/foods", json=milanesa(source=""))[0] == 422
    made = pro.ok("POST", "/foods", 201, json=milanesa())
    found = gym.ana.ok("GET", "/foods?q=mila tern")["items"]
    assert [food["source_name"] for food in found] == ["Receta propia, calculada"]
    gym.ana.agree("nutrition_data", "share_progress")
    gym.ana.ok("PUT", f"{gym.home}/nutrition-profile", json=profile(avoids=["gluten"]))
    draft = pro.ok("POST", f"{gym.home}/nutrition-plans", 201, json=plan(made["key"]))
    assert draft["days"][0]["sums"]["kcal"] == 230
    sign = {"sha256": draft["sha256"]}
    path = f"/nutrition-plans/{draft['id']}"
    assert pro.refused("POST", f"{path}/signature", json=sign)[1] == "nutrition_avoided"
    key = made["key"].removeprefix("own-")
    pro.ok("DELETE", f"/foods/{key}", 204)
    assert pro.refused("DELETE", f"/foods/{key}")[0] == 404
    assert gym.ana.ok("GET", "/foods?q=milanesa")["items"] == []
    change = {**plan(made["key"], "apple"), "read_sha256": draft["sha256"]}
    assert pro.ok("PUT", path, json=change)["days"][0]["sums"]["kcal"] == 282


@pytest.fixture
def roles(postgres_server: TestServer) -> Iterator[dict[str, str]]:
    """A database with an owner that is no superuser, and a role for the app."""
    name = f"t_{uuid.uuid4().hex[:10]}"
    for statement in (
        f"CREATE ROLE {name}_owner LOGIN",
        f"CREATE ROLE {name}_app LOGIN",
        f"CREATE DATABASE {name} OWNER {name}_owner",
    ):
        postgres_server.execute(statement)
    yield {
        "owner": postgres_server.url(name, f"{name}_owner"),
        "app": postgres_server.url(name, f"{name}_app"),
    }
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    postgres_server.execute(f"DROP ROLE {name}_owner, {name}_app")


def test_the_apps_role_is_enough_and_cannot_change_what_was_signed(roles: dict[str, str]) -> None:
    run_migrations(roles["owner"], roles["app"])
    with psycopg.connect(roles["app"], autocommit=True) as connection:
        for statement in (
            "INSERT INTO client (name) VALUES ('Ana')",
            "INSERT INTO provider (key, name) VALUES ('p', 'P')",
            "INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how,"
            " given_by) SELECT id, 'nutrition_data', '1', 'es', sha256('x'), 'x', 'own_session', 'c'"
            " FROM client",
            "INSERT INTO nutritionist SELECT id, '1', 'AR', NULL, 'x' FROM provider",
            "INSERT INTO nutrition_plan (client_id) SELECT id FROM client",
            "INSERT INTO nutrition_version SELECT id, 1, '{}', sha256('{}'), 'x' FROM nutrition_plan",
            "INSERT INTO nutrition_signature SELECT plan_id, 1, sha256, p.id, 'x', '1', 'AR'"
            " FROM nutrition_version, provider p",
        ):
            connection.execute(statement.encode())
        for forbidden in ("UPDATE nutrition_signature SET signer_name = 'y'",
                          "UPDATE nutrition_version SET author_name = 'y'",
                          "TRUNCATE nutrition_signature"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())
        connection.execute("UPDATE consent SET revoked_at = clock_timestamp()")
        left = connection.execute("SELECT count(*) FROM nutrition_signature").fetchone()
        assert left == (0,)
