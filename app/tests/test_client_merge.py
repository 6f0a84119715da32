"""Two records of one person become one: nothing is lost, nothing is doubled, and the law's file stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_invariants import WRONG
from support_shop import ANONYMOUS_ACTOR, SYSTEM_ACTOR, Shop, client, staff

from barberpro_app.booking import service as bookings
from barberpro_app.booking.errors import ClientBlockedError
from barberpro_app.booking.schemas import BookRequest, Contact, StatusRequest
from barberpro_app.client import history, merging, notes, service
from barberpro_app.client.errors import (
    MergeBusyError,
    MergeClinicalError,
    MergeConflictError,
    MergeItselfError,
)
from barberpro_app.client.schemas import Block, ClientDraft, MergeRequest, NotSame, TeamNoteDraft
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import NotFoundError, StaleVersionError
from barberpro_app.ledger import service as ledger
from barberpro_app.membership import service as membership
from barberpro_app.membership.schemas import PlanDraft, Redemption, Sale
from barberpro_app.payment import service as payments
from barberpro_app.payment.schemas import ByHand
from barberpro_app.privacy_compliance.erasure import erase

CLOCKS = ["09:00", "09:45", "10:30", "11:15", "14:00", "14:45", "15:30", "16:15"]
KINDS = ("book", "pay", "complete", "package", "credit", "note", "channel", "no_channel", "consent",
         "waiting", "series", "stamp", "walk_in", "message", "data_request", "session")  # fmt: skip
#: Of these one stands for both, or they end with the sign-in.
ONE_ALONE = {"contact_channel", "session", "sign_in_link", "client_alias", "ledger_line"}


@dataclass
class Shopper:
    """A record and what is done with it."""

    shop: Shop
    connection: Connection
    id: UUID
    provider: UUID

    async def sql(self, statement: str, *values: object) -> list[dict[str, Any]]:
        cursor = await self.connection.execute(statement.encode(), values)
        return await cursor.fetchall() if cursor.description else []

    async def book(self) -> UUID:
        """At the first of the hours that is free."""
        for clock in CLOCKS:
            asked = BookRequest(
                service_id=self.shop.services["cut"], location_id=self.shop.location,
                starts_at=self.shop.at(clock), client_id=self.id, provider_id=self.provider,
            )  # fmt: skip
            try:
                async with self.connection.transaction():
                    made = await bookings.book(self.connection, self.shop.app, staff(), asked)
            except Exception as error:
                if getattr(error, "code", "") != "slot_taken":
                    raise
                continue
            return made.id
        pytest.skip("the day is full")

    async def pay(self) -> None:
        paid = ByHand(method="cash", amount_centavos=1_000_000)
        await payments.record_by_hand(
            self.connection, self.shop.app, staff(), await self.book(), paid
        )

    async def complete(self) -> None:
        """Not paid: what is owed is in the books."""
        change = StatusRequest(status="completed", override_reason="test")
        await bookings.set_status(self.connection, staff(), await self.book(), change)

    async def package(self) -> None:
        plan = PlanDraft(name="Tres", credits=3, days=30, price_centavos=100)
        made = await membership.add_plan(self.connection, SYSTEM_ACTOR, plan)
        sale = Sale(plan_id=made.id, client_id=self.id, method="cash")
        await membership.sell(self.connection, self.shop.app, staff(), sale)

    async def credit(self) -> None:
        await self.package()
        await membership.redeem(
            self.connection, self.shop.app, staff(), await self.book(), Redemption()
        )

    async def note(self) -> None:
        draft = TeamNoteDraft(readers="desk", text="Prefiere la ventana")
        await notes.add_note(self.connection, staff("manager"), self.id, draft)

    async def channel(self, *, agreed: bool = True) -> None:
        await self.sql(
            "INSERT INTO contact_channel (client_id, channel, address, agreed, preferred)"
            " VALUES (%s, 'whatsapp', '5491123456789', %s, %s)"
            " ON CONFLICT (client_id, channel) DO UPDATE SET agreed = excluded.agreed,"
            " preferred = excluded.preferred",
            self.id, agreed, agreed,
        )  # fmt: skip
        await self.sql(
            "INSERT INTO channel_consent (client_id, channel, given, source, text_version, given_by)"
            " VALUES (%s, 'whatsapp', %s, 'staff', '1', 'staff:7')", self.id, agreed,
        )  # fmt: skip

    async def no_channel(self) -> None:
        await self.channel(agreed=False)

    async def consent(self) -> None:
        await self.sql(
            "INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how,"
            " given_by) VALUES (%s, 'news', '1', 'es-AR', sha256('x'), 'x', 'in_person', 'staff:7')"
            " ON CONFLICT DO NOTHING", self.id,
        )  # fmt: skip

    async def waiting(self) -> None:
        await self.sql(
            "INSERT INTO waiting_entry (client_id, service_id, location_id, first_day, last_day,"
            " parts) VALUES (%s, %s, %s, current_date, current_date + 9, '{morning}')",
            self.id, self.shop.services["cut"], self.shop.location,
        )  # fmt: skip

    async def series(self) -> None:
        await self.sql(
            "INSERT INTO series (client_id, service_id, provider_id, location_id, zone, first_day,"
            " minute, every_weeks, on_closed, deposit, use_credits, source) VALUES (%s, %s, %s, %s,"
            " 'UTC', current_date, 600, 1, 'skip', 'none', false, 'staff')",
            self.id, self.shop.services["cut"], self.provider, self.shop.location,
        )  # fmt: skip

    async def stamp(self) -> None:
        await self.sql(
            "WITH r AS (INSERT INTO loyalty_rule (name, stamps, percent, valid_days)"
            " VALUES ('T', 9, 10, 99) RETURNING id)"
            " INSERT INTO loyalty_stamp (rule_id, client_id, state, expires_at, given_by)"
            " SELECT id, %s, 'active', now() + interval '9 days', 'staff:7' FROM r", self.id,
        )  # fmt: skip

    async def walk_in(self) -> None:
        await self.sql(
            "INSERT INTO walk_in (location_id, day, number, name, client_id, service_id)"
            " SELECT %s, current_date, count(*) + 1, 'Ana', %s, %s FROM walk_in",
            self.shop.location, self.id, self.shop.services["cut"],
        )  # fmt: skip

    async def message(self) -> None:
        await self.sql(
            "INSERT INTO message (kind, recipient, client_id, payload, dedupe_key)"
            " VALUES ('x', 'x@x.example', %s, '{}', gen_random_uuid()::text)", self.id,
        )  # fmt: skip

    async def data_request(self) -> None:
        await self.sql(
            "INSERT INTO data_request (client_id, kind, due_at)"
            " VALUES (%s, 'access', now() + interval '9 days')", self.id,
        )  # fmt: skip

    async def session(self) -> None:
        await self.sql(
            "INSERT INTO sign_in_link (token_hash, client_id, expires_at)"
            " VALUES (sha256(gen_random_uuid()::text::bytea), %s, now() + interval '1 h')", self.id,
        )  # fmt: skip


async def two(shop: Shop, connection: Connection, **other: Any) -> tuple[Shopper, Shopper]:
    """Ana, and Ana again with another address and number."""
    ana = ClientDraft(name="Ana Pérez", email="ana@one.example", phone="+5491123456789", note="Uno")
    again = {"name": "Ana Perez", "email": "ana@two.example", "phone": "+5491198765432", **other}
    kept = await service.upsert_client(connection, staff(), ana)
    gone = await service.upsert_client(connection, staff(), ClientDraft.model_validate(again))
    return (
        Shopper(shop, connection, kept.id, shop.providers[0]),
        Shopper(shop, connection, gone.id, shop.providers[1]),
    )


async def merge(kept: Shopper, gone: Shopper, **choices: object) -> merging.MergeResult:
    versions = [
        (await service.get_client(kept.connection, staff(), who.id)).version for who in (kept, gone)
    ]
    asked = {"other_id": gone.id, "version": versions[0], "other_version": versions[1],
             "choices": choices}  # fmt: skip
    request = MergeRequest.model_validate(asked)
    async with kept.connection.transaction():
        return await merging.merge_clients(kept.connection, staff(), kept.id, request)


async def census(connection: Connection, *whose: UUID) -> dict[str, int]:
    """How many rows of which table are of these records."""
    found = {}
    cursor = await connection.execute("SELECT t FROM tables_of_clients() t")
    for row in await cursor.fetchall():
        counted = await connection.execute(
            f"SELECT count(*) AS n FROM {row['t']} WHERE client_id = ANY (%s)".encode(),
            (list(whose),),
        )
        one = await counted.fetchone()
        assert one is not None
        found[row["t"]] = one["n"]
    return found


async def balances(connection: Connection, *whose: UUID) -> dict[tuple[str, str], int]:
    cursor = await connection.execute(
        "SELECT e.currency, l.account, sum(l.amount)::bigint AS sum FROM ledger_line l"
        " JOIN ledger_entry e ON e.id = l.entry_id WHERE l.client_id = ANY (%s)"
        " GROUP BY 1, 2 HAVING sum(l.amount) <> 0",
        (list(whose),),
    )
    return {(row["currency"], row["account"]): row["sum"] for row in await cursor.fetchall()}


def within(shop: Shop, story: Callable[[Connection], Awaitable[None]]) -> None:
    """In a transaction that is rolled back, with every deferred check made before."""

    async def inside() -> None:
        async with shop.connection() as connection, connection.transaction(force_rollback=True):
            await story(connection)
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    asyncio.run(inside())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=7),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=7),
)
def test_nothing_is_lost(shop: Shop, first: list[str], second: list[str]) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        for who, acts in ((kept, first), (gone, second)):
            for act in acts:
                await getattr(who, act)()
        rows = await census(connection, kept.id, gone.id)
        money = await balances(connection, kept.id, gone.id)
        answers = [await history.client_history(connection, staff(), w.id) for w in (kept, gone)]
        result = await merge(kept, gone)
        after = await census(connection, kept.id)
        assert {t: n for t, n in after.items() if t not in ONE_ALONE} == {
            t: n for t, n in rows.items() if t not in ONE_ALONE
        }
        assert sum((await census(connection, gone.id)).values()) == 0
        assert await balances(connection, kept.id) == money
        assert await balances(connection, gone.id) == {}
        books = await ledger.trial_balance(connection)
        assert all(value == 0 for value in books.difference.values())
        now = await history.client_history(connection, staff(), kept.id)
        assert sum(item.left for item in now.credits) == sum(
            item.left for one in answers for item in one.credits
        )
        assert now.totals.bookings == sum(one.totals.bookings for one in answers)
        for name, query in WRONG.items():
            wrong = await (await connection.execute(query.encode())).fetchall()
            assert wrong == [], name
        channel = await kept.sql("SELECT agreed FROM contact_channel WHERE client_id = %s", kept.id)
        refused = [acts for acts in (first, second)
                   if [a for a in acts if "channel" in a][-1:] == ["no_channel"]]  # fmt: skip
        assert all(row["agreed"] is False for row in channel) or not refused
        assert (await service.get_client(connection, staff(), gone.id)).id == kept.id
        assert result.client.note == "Uno"

    within(shop, story)


def test_values_are_chosen_and_both_addresses_know_the_person(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection, note="Dos", tags=["vip"])
        result = await merge(kept, gone, email="gone", signs_in=True)
        found = result.client
        assert (found.name, found.email, found.phone) == (
            "Ana Pérez", "ana@two.example", "+5491123456789",
        )  # fmt: skip
        assert found.note == "Uno\nDos"
        assert found.tags == ["vip"]
        for text in ("ana@one", "11 9876-5432", "011 15 2345 6789", "perez", "ana two.example"):
            assert [c.id for c in (await service.search_clients(connection, text)).items] == [
                kept.id
            ], text
        # the next booking with the other e-mail is hers; signing in by it too
        asked = BookRequest(
            service_id=shop.services["cut"], location_id=shop.location,
            starts_at=shop.at("10:00"), client=Contact(name="Ana", email="ana@one.example"),
        )  # fmt: skip
        made = await bookings.book(connection, shop.app, ANONYMOUS_ACTOR, asked)
        assert made.client is not None
        assert made.client.id == kept.id
        for address in ("ana@one.example", "ana@two.example"):
            await kept.sql("SELECT sign_in_request(%s, '', NULL)", address)
        links = await kept.sql("SELECT payload FROM message WHERE kind = 'sign_in_link'")
        assert [row["payload"]["client_id"] for row in links] == [str(kept.id)] * 2

    within(shop, story)


def test_by_the_other_address_nobody_signs_in_unless_the_team_said_so(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        await merge(kept, gone)
        await kept.sql("SELECT sign_in_request('ana@two.example', '', NULL)")
        assert await kept.sql("SELECT 1 FROM message WHERE kind = 'sign_in_link'") == []
        # whoever is given that address by the team has it
        other = ClientDraft(name="Otra", email="ana@two.example")
        again = await service.upsert_client(connection, staff(), other)
        assert again.id == kept.id
        assert again.name == "Otra"

    within(shop, story)


def test_what_is_added_for_the_gone_one_is_of_the_kept_one(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        await merge(kept, gone)
        for act in ("book", "note", "waiting", "series", "stamp", "message", "channel"):
            await getattr(gone, act)()
        assert sum((await census(connection, gone.id)).values()) == 0
        third = await service.upsert_client(connection, staff(), ClientDraft(name="Ana"))
        await merge(Shopper(shop, connection, third.id, shop.providers[2]), kept)
        assert (await service.get_client(connection, staff(), gone.id)).id == third.id

    within(shop, story)


def test_bookings_of_a_blocked_record_go_over_and_block_the_person(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        asked = BookRequest(
            service_id=shop.services["cut"], location_id=shop.location, starts_at=shop.at("10:00")
        )
        await bookings.book(connection, shop.app, client(gone.id), asked)
        block = Block(version=1, reason="Insultó al equipo")
        await service.block_client(connection, staff("manager"), kept.id, block)
        result = await merge(kept, gone)
        assert result.moved["booking"] == 1
        assert result.client.blocked_reason == block.reason
        own = await service.get_client(connection, client(kept.id), kept.id)
        assert (own.blocked_at, own.blocked_reason, own.note) == (None, "", "")
        later = asked.model_copy(update={"starts_at": shop.at("11:00")})
        with pytest.raises(ClientBlockedError):
            async with connection.transaction():
                await bookings.book(connection, shop.app, client(kept.id), later)

    within(shop, story)


def test_consents_given_twice_are_withdrawn_once(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        await kept.consent()
        await gone.consent()
        await merge(kept, gone)
        rows = await kept.sql("SELECT id, superseded_by FROM consent ORDER BY superseded_by")
        assert len(rows) == 2
        await kept.sql("UPDATE consent SET revoked_at = now() WHERE id = %s", rows[1]["id"])
        left = await kept.sql("SELECT 1 FROM consent WHERE revoked_at IS NULL")
        assert left == []

    within(shop, story)


_BODY = """
WITH c AS (INSERT INTO consent (client_id, purpose, text_version, locale, text_sha256, text, how, given_by)
    SELECT %(id)s, p, '1', 'es-AR', sha256('x'), 'x', 'in_person', 'staff:7'
    FROM unnest(ARRAY['activity_data', 'progress_data', 'nutrition_data']) p)
SELECT 1
"""
_DATA = """
WITH i AS (INSERT INTO activity_import (client_id, sha256, format, bytes, imported_by)
        VALUES (%(id)s, sha256('one file'), 'fit', 9, 'client'),
               (%(id)s, sha256(%(own)s::bytea), 'csv', 9, 'client') RETURNING id),
    a AS (INSERT INTO activity (client_id, import_id, sport, period, moving_seconds)
        SELECT %(id)s, id, 'running', tstzrange(now() + n * interval '1 day' + %(shift)s,
            now() + n * interval '1 day' + interval '1 hour' + %(shift)s), 60
        FROM (SELECT id, row_number() OVER () AS n FROM i) x),
    m AS (INSERT INTO measurement (client_id, kind, measured_on, value, written_by)
        VALUES (%(id)s, 'weight', '2026-01-05', %(value)s, 'client'),
               (%(id)s, 'waist', '2026-01-05'::date + %(value)s, 80, 'client')),
    g AS (INSERT INTO progress_goal (client_id, kind, start_value, target, start_on, by_day)
        VALUES (%(id)s, 'weight', 90, %(value)s, '2026-01-05', '2026-06-05'))
INSERT INTO nutrition_profile (client_id, born_on, sex, height_cm, weight_kg, activity, aim)
    VALUES (%(id)s, '1990-01-01', 'female', 165, %(value)s, 'light', 'keep')
"""


@pytest.mark.parametrize(("side", "value"), [("kept", 71), ("gone", 83)])
def test_of_body_data_that_exclude_each_other_those_stay_that_were_chosen(
    shop: Shop, side: str, value: int
) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        for one, weight in ((kept, 71), (gone, 83)):
            values = {"id": one.id, "value": weight, "own": str(weight).encode(),
                      "shift": timedelta(minutes=weight - 71)}  # fmt: skip
            await connection.execute(_BODY.encode(), values)
            await connection.execute(_DATA.encode(), values)
        assert await merging.excluded(connection, kept.id, gone.id) == {
            "activity_import": 1, "activity": 2, "measurement": 1, "progress_goal": 1,
            "nutrition_profile": 1,
        }  # fmt: skip
        with pytest.raises(MergeConflictError):
            async with connection.transaction():
                await merge(kept, gone)
        await merge(kept, gone, exclusive=side)
        rows = await kept.sql("SELECT kind, value FROM measurement WHERE client_id = %s", kept.id)
        assert sorted((row["kind"], int(row["value"])) for row in rows) == [
            ("waist", 80), ("waist", 80), ("weight", value),
        ]  # fmt: skip
        goals = await kept.sql("SELECT target FROM progress_goal WHERE NOT ended")
        assert [int(row["target"]) for row in goals] == [value]
        facts = await kept.sql("SELECT weight_kg FROM nutrition_profile")
        assert [int(row["weight_kg"]) for row in facts] == [value]
        assert len(await kept.sql("SELECT 1 FROM activity")) == 2
        noted = await kept.sql("SELECT changes->'left_out' AS left FROM audit_event"
                               " WHERE action = 'client.merged'")  # fmt: skip
        assert noted[-1]["left"]["measurement"] == 1

    within(shop, story)


def test_a_clinical_file_stays_with_its_record(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        await gone.sql(
            "INSERT INTO clinical_access (client_id, actor_kind, actor_id, actor_name, purpose)"
            " VALUES (%s, 'staff', '7', 'Lic.', 'record_read')", gone.id,
        )  # fmt: skip
        with pytest.raises(MergeClinicalError):
            await merge(kept, gone)
        assert (await merge(gone, kept)).client.id == gone.id

    within(shop, story)


def test_what_is_refused(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection)
        with pytest.raises(MergeItselfError):
            await merge(kept, kept)
        for ask, error in (
            ({"other_id": gone.id, "version": 9, "other_version": 1}, StaleVersionError),
            ({"other_id": UUID(int=5), "version": 1, "other_version": 1}, NotFoundError),
        ):
            request = MergeRequest.model_validate(ask)
            with pytest.raises(error):
                async with connection.transaction():
                    await merging.merge_clients(connection, staff(), kept.id, request)
        await merge(kept, gone)
        request = MergeRequest(other_id=gone.id, version=2, other_version=2)
        with pytest.raises(NotFoundError):
            async with connection.transaction():
                await merging.merge_clients(connection, staff(), kept.id, request)

    within(shop, story)


def test_likely_pairs_are_suggested_until_they_are_told_apart(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection, phone="011 15 2345-6789")
        homonym = ClientDraft(name="Ana Perez", email="x@x.example", phone="+5493415550000")
        await service.upsert_client(connection, staff(), homonym)
        found = (await merging.suggest_pairs(connection)).items
        assert [({i.one.id, i.other.id}, i.why) for i in found] == [
            ({kept.id, gone.id}, ["name", "phone"])
        ]
        near = await service.upsert_client(connection, staff(), ClientDraft(name="Anna Pérez"))
        like = (await merging.suggest_for(connection, staff(), near.id)).items
        assert {item.other.id for item in like} >= {kept.id, gone.id}
        await merging.tell_apart(connection, staff(), gone.id, NotSame(other_id=kept.id))
        assert (await merging.suggest_pairs(connection)).items == []

    within(shop, story)


def test_who_is_erased_leaves_no_note_no_other_address_and_no_word_to_the_team(shop: Shop) -> None:
    async def story(connection: Connection) -> None:
        kept, gone = await two(shop, connection, tags=["vip"])
        await kept.note()
        for who in (kept, gone):
            await kept.sql(
                "INSERT INTO message (kind, recipient, payload, dedupe_key) VALUES ('team_new',"
                " 'd@d.example', jsonb_build_object('client_id', %s::uuid, 'name', 'Ana'),"
                " gen_random_uuid()::text)", who.id,
            )  # fmt: skip
        await merge(kept, gone)
        decided = await erase(connection, shop.app, kept.id)
        assert [item.record_class for item in decided if item.outcome == "review"] == []
        for table in ("client_note", "client_alias"):
            assert (await census(connection, kept.id, gone.id))[table] == 0
        assert await kept.sql("SELECT 1 FROM message WHERE kind = 'team_new'") == []
        rows = await kept.sql("SELECT name, email, phone, tags, note FROM client")
        assert {row["name"] for row in rows} <= {"-", "—"}
        assert not any(row["email"] or row["phone"] or row["tags"] or row["note"] for row in rows)

    within(shop, story)


def test_whoever_is_at_work_goes_first(shop: Shop) -> None:
    """A merge that would have to wait gives up, before anybody else could be the one to fail."""

    async def race() -> None:
        async with shop.database(3) as database:
            async with database.transaction() as connection:
                kept, gone = await two(shop, connection)
                await gone.book()
            async with database.transaction() as working, database.connection() as other:
                await working.execute("SELECT 1 FROM booking FOR NO KEY UPDATE")
                with pytest.raises(MergeBusyError):
                    await merge(
                        Shopper(shop, other, kept.id, kept.provider),
                        Shopper(shop, other, gone.id, gone.provider),
                    )
                await working.execute(
                    "SELECT 1 FROM client WHERE id = %s FOR KEY SHARE", (gone.id,)
                )
            async with database.transaction() as connection:
                mine = Shopper(shop, connection, kept.id, kept.provider)
                await merge(mine, Shopper(shop, connection, gone.id, gone.provider))

    asyncio.run(race())


def test_a_booking_made_while_records_are_joined_is_of_the_kept_one(shop: Shop) -> None:
    async def race() -> None:
        async with shop.database(3) as database:
            async with database.transaction() as connection:
                kept, gone = await two(shop, connection)
            async with database.connection() as other:
                late = Shopper(shop, other, gone.id, gone.provider)
                async with database.transaction() as connection:
                    await merge(
                        Shopper(shop, connection, kept.id, kept.provider),
                        Shopper(shop, connection, gone.id, gone.provider),
                    )
                    booking = asyncio.create_task(late.book())
                    await wait_until_blocked(shop)
                await asyncio.wait_for(booking, timedelta(seconds=120).total_seconds())
                assert sum((await census(other, gone.id)).values()) == 0

    asyncio.run(race())


async def wait_until_blocked(shop: Shop) -> None:
    """Until somebody in this database waits for a lock."""
    for _ in range(600):
        if await asyncio.to_thread(
            shop.rows,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'",
        ):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody waits")
