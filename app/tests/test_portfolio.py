"""The gallery from photograph to post over HTTP: consent, moderation, withdrawal, sharing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from instagram import TOKEN, InstagramDouble
from support_accounts import Accounts, Caller
from support_photographs import photograph
from support_shop import Shop

from barberpro_app.identity.auth import SESSION_COOKIE
from barberpro_app.identity.repository import Subject
from barberpro_app.media_processor import jobs as media_jobs
from barberpro_app.portfolio import jobs as portfolio_jobs
from barberpro_app.social_sharing import jobs as social_jobs

API = "/api/v1"
SERVICES = ["api-gateway", "booking", "media-processor", "portfolio-service",
            "social-sharing-service", "loyalty-program-service"]  # fmt: skip
PUBLIC = "https://barber.example"


@dataclass
class Salon:
    """A barbershop with a client who was there."""

    shop: Shop
    accounts: Accounts
    caller: Caller
    client: UUID
    cookies: dict[str, str]
    media: Path

    def ask(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Cookie": f"{SESSION_COOKIE}={self.cookies[who]}"} if who else {}
        return self.caller.request(method, path, headers=headers, **options)

    def work(self, job: Any) -> int:
        done: int = self.accounts.using(lambda database: job.run(database, self.accounts.settings))
        return done

    def send(self, content: bytes) -> str:
        answer = self.ask("barber", "POST", f"{API}/media", content=content)
        assert answer.status_code == 202, answer.text
        key: str = answer.json()["id"]
        return key

    def draft(self, **changes: Any) -> dict[str, Any]:
        text = self.ask("", "GET", f"{API}/portfolio/consent-text").json()
        assert hashlib.sha256(text["text"].encode()).hexdigest() == text["text_sha256"]
        return {
            "provider_id": str(self.shop.providers[0]),
            "service_id": str(self.shop.services["cut"]), "client_id": str(self.client),
            "before_alt": "Pelo largo", "after_alt": "Corte degradé",
            "text_sha256": text["text_sha256"], "signed_name": "Ana", **changes,
        }  # fmt: skip

    def pair(self) -> dict[str, Any]:
        keys = [self.send(photograph(size=(700, 500 + n))) for n in range(2)]
        answer = self.ask("barber", "POST", f"{API}/portfolio/items",
                          json=self.draft(before_id=keys[0], after_id=keys[1]))  # fmt: skip
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def publish(self) -> str:
        item = self.pair()
        assert self.work(media_jobs) == 2
        answer = self.ask("owner", "POST", f"{API}/portfolio/items/{item['id']}/moderation",
                          json={"version": item["version"], "decision": "published"})  # fmt: skip
        assert answer.status_code == 204, answer.text
        return str(item["id"])


@pytest.fixture
def salon(shop: Shop, tmp_path: Path) -> Iterator[Salon]:
    accounts = Accounts.make(tmp_path, shop.url, services=SERVICES)
    accounts.settings = accounts.settings.model_copy(update={"media_dir": tmp_path / "media"})
    client = accounts.client("ana@salon.example", "Ana")
    shop.rows(
        "INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        " starts_at, ends_at, zone, price_centavos) SELECT new_booking_code(), 'completed', %s, %s,"
        " %s, %s, now() - interval '1 h', now(), 'UTC', 1",
        client, shop.providers[0], shop.services["cut"], shop.location,
    )  # fmt: skip

    def member(role: str, provider: UUID | None = None) -> str:
        key = accounts.rows(
            "INSERT INTO staff_user (email, name, role, provider_id) VALUES (%s, %s, %s, %s)"
            " RETURNING id", f"{uuid4().hex[:8]}@salon.example", role, role, provider,
        )[0][0]  # fmt: skip
        return accounts.session(Subject(staff_id=key))

    cookies = {
        "owner": member("owner"),
        "barber": member("provider", shop.providers[0]),
        "client": accounts.session(Subject(client_id=client)),
        "stranger": accounts.session(Subject(client_id=accounts.client("b@salon.example"))),
    }
    with accounts.browser() as caller:
        yield Salon(shop, accounts, caller, client, cookies, tmp_path / "media")


def test_nothing_of_it_is_there_where_it_is_not_enabled(shop: Shop, tmp_path: Path) -> None:
    accounts = Accounts.make(tmp_path, shop.url, services=["api-gateway", "booking"])
    with accounts.browser() as caller:
        for path in ("/galeria", f"{API}/portfolio", f"{API}/loyalty/rules",
                     f"{API}/social-posts", "/media/" + "a" * 64 + ".jpg"):  # fmt: skip
            assert caller.get(path).status_code == 404, path


def test_from_photograph_to_gallery_and_away_again(salon: Salon) -> None:
    item = salon.pair()
    early = salon.ask("owner", "POST", f"{API}/portfolio/items/{item['id']}/moderation",
                      json={"version": 1, "decision": "published"})  # fmt: skip
    assert early.json()["code"] == "media_not_ready"
    assert salon.work(media_jobs) == 2
    names = [row[0] for row in salon.shop.rows("SELECT name FROM media_variant")]
    hidden = salon.ask("", "GET", f"/media/{names[0]}")
    assert hidden.status_code == 404
    assert salon.ask("owner", "GET", f"/media/{names[0]}").headers["cache-control"] == "no-store"
    by_barber = salon.ask("barber", "POST", f"{API}/portfolio/items/{item['id']}/moderation",
                          json={"version": 1, "decision": "published"})  # fmt: skip
    assert by_barber.status_code == 403
    done = salon.ask("owner", "POST", f"{API}/portfolio/items/{item['id']}/moderation",
                     json={"version": 1, "decision": "published"})  # fmt: skip
    assert done.status_code == 204
    gallery = salon.ask("", "GET", "/galeria").text
    assert 'alt="Corte degradé"' in gallery
    assert "Ana" not in gallery
    shown = salon.ask("", "GET", f"/galeria/{item['id']}").text
    assert 'property="og:image" content="https://' in shown
    file = salon.ask("", "GET", f"/media/{names[0]}")
    assert file.status_code == 200
    assert "immutable" in file.headers["cache-control"]
    for who in ("stranger", "barber"):
        answer = salon.ask(who, "POST", f"{API}/portfolio/items/{item['id']}/withdrawal")
        assert answer.status_code in {403, 404}
    gone = salon.ask("client", "POST", f"{API}/portfolio/items/{item['id']}/withdrawal")
    assert gone.status_code == 204
    assert salon.ask("", "GET", f"/galeria/{item['id']}").status_code == 404
    assert salon.ask("", "GET", f"/media/{names[0]}").status_code == 404
    assert not [path for path in salon.media.rglob("*") if path.is_file()]


def test_a_consent_revoked_elsewhere_hides_at_once_and_deletes_soon(salon: Salon) -> None:
    item = salon.publish()
    salon.shop.rows("UPDATE consent SET revoked_at = now()")
    assert salon.ask("", "GET", f"/galeria/{item}").status_code == 404
    assert salon.work(portfolio_jobs) == 2
    assert not [path for path in salon.media.rglob("*") if path.is_file()]


def test_what_a_pair_needs(salon: Salon) -> None:
    one, two = salon.send(photograph()), salon.send(photograph(size=(500, 500)))
    good = salon.draft(before_id=one, after_id=two)
    for changes, status in (
        ({"text_sha256": "0" * 64}, 409),
        ({"after_id": one}, 422),
        ({"after_id": str(uuid4())}, 422),
        ({"client_id": str(uuid4())}, 409),
        ({"provider_id": str(salon.shop.providers[1])}, 404),
        ({"after_alt": ""}, 422),
        ({"before_alt": "a\u202eb c"}, 422),
        ({"extra": 1}, 422),
    ):
        answer = salon.ask("barber", "POST", f"{API}/portfolio/items", json={**good, **changes})
        assert answer.status_code == status, (changes, answer.text)
    assert salon.ask("client", "POST", f"{API}/portfolio/items", json=good).status_code == 403
    refused = salon.ask("barber", "POST", f"{API}/media", content=b"GIF89a")
    assert (refused.status_code, refused.json()["code"]) == (422, "image_refused")
    assert salon.ask("barber", "POST", f"{API}/media", content=b"x" * 13_000_000).status_code == 413
    assert salon.ask("", "POST", f"{API}/media", content=photograph()).status_code == 401
    assert salon.ask("", "GET", "/media/..%2f..%2fetc%2fpasswd").status_code == 404


def test_a_post_is_published_once_whatever_goes_wrong(salon: Salon) -> None:
    item = salon.publish()
    path = f"{API}/portfolio/items/{item}/social-posts"
    assert salon.ask("owner", "POST", path, json={}).json()["code"] == "instagram_not_set_up"
    secrets = salon.accounts.home.folder / "secrets"
    (secrets / "instagram-token").write_text(TOKEN)
    local = salon.ask("owner", "POST", path, json={})
    assert local.json()["code"] == "instagram_needs_public_address"
    settings = salon.accounts.settings
    app = settings.app.model_copy(update={"public_url": PUBLIC})
    salon.accounts.settings = settings.model_copy(update={"app": app})
    salon.shop.rows("INSERT INTO social_post (item_id, caption) VALUES (%s, 'Hola')", UUID(item))
    with InstagramDouble() as double:
        (secrets / "instagram-api").write_text(double.address)
        double.account.misbehave("500", "ok", "garbage", "ok", "429", "ok", "ok", "ok",
                                 "ok", "ok", "ok", "ok", "lost")  # fmt: skip
        for _ in range(12):
            salon.shop.rows("UPDATE social_post SET next_attempt_at = now()")
            salon.work(social_jobs)
        assert len(double.account.published) == 1
        assert double.account.containers[double.account.published[0]]["caption"] == "Hola"
    posts = salon.ask("owner", "GET", f"{API}/social-posts").json()["items"]
    assert [post["state"] for post in posts] == ["published"]
