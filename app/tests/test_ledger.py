"""The books: what cannot be written, what cannot be changed, and that everything always balances."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_postgres import TestServer
from support_shop import SYSTEM_ACTOR, Shop

from barberpro_app.kit.database import Database
from barberpro_app.ledger import service
from barberpro_app.ledger.errors import AccountError, EntryKeyReusedError, UnbalancedError
from barberpro_app.ledger.schemas import EntrySearch
from barberpro_app.ledger.service import EntryPart, Reference, credit, debit
from barberpro_app.migrations.run import run_migrations

TEST = Reference("test", "1")
CLIENT = uuid.UUID(int=5)


def test_an_entry_is_written_once_and_its_key_is_no_one_elses(shop: Shop) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            lines = [debit("cash", 100), credit("deposits", 100, CLIENT), debit("bank", 0)]
            first = await service.post(
                connection, SYSTEM_ACTOR, "payment.received", lines, reference=TEST, key="k"
            )
            again = await service.post(
                connection, SYSTEM_ACTOR, "payment.received", lines, reference=TEST, key="k"
            )
            assert first is not None
            assert first == again
            with pytest.raises(EntryKeyReusedError):
                await service.post(
                    connection, SYSTEM_ACTOR, "payment.received",
                    [debit("cash", 5), credit("revenue", 5)], reference=TEST, key="k",
                )  # fmt: skip
            nothing = await service.post(
                connection, SYSTEM_ACTOR, "nothing", [debit("cash", 0)], reference=TEST, key="n"
            )
            assert nothing is None
            page = await service.entries(connection, EntrySearch(client_id=CLIENT))
            assert [(line.account, line.amount) for line in page.items[0].lines] == [
                ("cash", 100),
                ("deposits", -100),
            ]
            assert (await service.client_balance(connection, CLIENT)).deposits == 100

    asyncio.run(story())


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([debit("cash", 100), credit("revenue", 99)], UnbalancedError),
        ([debit("cash", 1), credit("piggy-bank", 1)], AccountError),
        ([debit("cash", 1), credit("receivable", 1)], AccountError),
        ([debit("cash", 1, CLIENT), credit("revenue", 1)], AccountError),
    ],
)
def test_the_books_refuse(shop: Shop, lines: list[EntryPart], error: type[Exception]) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            with pytest.raises(error):
                await service.post(connection, SYSTEM_ACTOR, "test", lines, reference=TEST, key="k")
            assert (await service.trial_balance(connection)).entries == 0

    asyncio.run(story())


def test_not_even_the_owner_of_the_tables_unbalances_or_changes_them(shop: Shop) -> None:
    shop.rows(
        'SELECT ledger_post(\'{"kind": "system"}\', \'test\', \'ARS\', \'{"kind": "t", "id": "1"}\','
        ' \'k\', \'[{"account": "cash", "amount": 7}, {"account": "revenue", "amount": -7}]\')'
    )
    entry = (
        "INSERT INTO ledger_entry (kind, currency, reference_kind, reference_id, actor_kind,"
        " actor_id, key, content_hash) VALUES ('x1', 'ARS', 't', '1', 'system', '', 'k2', '')"
    )
    line = "INSERT INTO ledger_line SELECT id, 9, 'cash', NULL, 1 FROM ledger_entry WHERE key = 'k'"
    for statement in (entry, line):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            shop.rows(statement)
    for statement in (
        "UPDATE ledger_line SET amount = amount * 2",
        "DELETE FROM ledger_line",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_line",
        "UPDATE ledger_entry SET at = now()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.rows(statement)
    assert shop.rows("SELECT amount FROM ledger_line ORDER BY number") == [(7,), (-7,)]


@pytest.fixture
def app_role(postgres_server: TestServer, database_url: str) -> Iterator[str]:
    """The address of the app's role, which owns nothing."""
    role = f"books_{uuid.uuid4().hex[:8]}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    url = psycopg.conninfo.make_conninfo(database_url, user=role, password="x")
    run_migrations(database_url, url)
    yield url
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
    postgres_server.execute(f"DROP ROLE {role}")


def test_the_apps_role_writes_through_the_function_alone(app_role: str) -> None:
    async def story() -> None:
        database = Database(app_role)
        await database.open()
        async with database.connection() as connection:
            posted = await service.post(
                connection, SYSTEM_ACTOR, "test", [debit("cash", 1), credit("revenue", 1)],
                reference=TEST, key="k",
            )  # fmt: skip
            assert posted is not None
            for statement in (
                "INSERT INTO ledger_line SELECT id, 9, 'cash', NULL, 1 FROM ledger_entry",
                "UPDATE ledger_line SET amount = 2",
                "DELETE FROM ledger_entry",
                "INSERT INTO ledger_account VALUES ('mine', 'asset')",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(statement.encode())
        await database.close()

    asyncio.run(story())


ACCOUNTS = ("cash", "bank", "mercado-pago", "revenue", "refunds", "fees")
parts = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.integers(-(10**12), 10**12)), min_size=1, max_size=6
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drafts=st.lists(st.tuples(parts, st.sampled_from(("ARS", "USD"))), max_size=5))
def test_whatever_is_written_the_trial_balance_is_zero(
    shop: Shop, drafts: list[tuple[list[tuple[str, int]], str]]
) -> None:
    async def story() -> None:
        async with shop.connection() as connection:
            for lines, currency in drafts:
                rest = -sum(amount for _, amount in lines)
                drawn = [EntryPart(account, amount) for account, amount in lines]
                await service.post(
                    connection, SYSTEM_ACTOR, "drawn", [*drawn, EntryPart("suspense", rest)],
                    reference=TEST, key=uuid.uuid4().hex, currency=currency,
                )  # fmt: skip
            found = await service.trial_balance(connection)
            assert all(value == 0 for value in found.difference.values())
            assert all(item.debits - item.credits == item.balance for item in found.items)

    asyncio.run(story())
