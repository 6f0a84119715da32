"""First data: loaded once per key, never over the owner's changes; a hostile file is one message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_shop import Shop, configuration, seed

from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.seed.schemas import Seed, parse_seed
from barberpro_app.seed.service import Seeded, load_seed


def load(shop: Shop, data: Seed) -> Seeded:
    async def run() -> Seeded:
        async with shop.database() as database, database.transaction() as connection:
            return await load_seed(connection, configuration(), data)

    return asyncio.run(run())


def test_loading_again_changes_nothing_of_the_owners(shop: Shop) -> None:
    shop.rows(
        "UPDATE service SET price_centavos = 1, name = '{\"en\": \"Mine\"}' WHERE key = 'cut'"
    )
    shop.rows("DELETE FROM working_hours")
    shop.rows("DELETE FROM provider WHERE key = 'p2'")
    shop.rows("DELETE FROM provider_service WHERE provider_id = %s", shop.providers[1])
    assert load(shop, seed()) == Seeded(0, 0, 0)
    assert shop.rows("SELECT price_centavos, name->>'en' FROM service WHERE key = 'cut'") == [
        (1, "Mine")
    ]
    assert shop.rows("SELECT key FROM provider ORDER BY key") == [("p0",), ("p1",)]
    assert shop.rows("SELECT count(*) FROM working_hours") == [(0,)]
    assert shop.rows("SELECT count(*) FROM provider_service WHERE provider_id = %s",
                     shop.providers[1]) == [(0,)]  # fmt: skip


def test_what_is_new_in_the_file_is_added(shop: Shop) -> None:
    assert load(shop, seed(providers=4)) == Seeded(0, 1, 0)
    offers = "SELECT count(*) FROM provider_service ps JOIN service s ON s.id = ps.service_id"
    assert shop.rows(f"{offers} WHERE s.key = 'cut'") == [(4,)]


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(seed().model_dump_json(by_alias=True)) | changes).encode()


HOURS = {"weekdays": [1], "from": "09:00", "to": "18:00"}
PERSON = {"key": "p", "name": "P", "locations": ["centre"], "hours": [HOURS]}
SERVICE = {"key": "s", "name": {"en": "S"}, "minutes": 30, "price_centavos": 1, "providers": []}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 9}, "schema_version"),
        ({"extra": 1}, "extra"),
        ({"locations": []}, "locations"),
        ({"locations": [{"key": "a", "name": "A"}] * 2, "providers": [], "services": []}, "twice"),
        ({"providers": [PERSON | {"locations": ["moon"]}], "services": []}, "no location 'moon'"),
        ({"providers": [], "services": [SERVICE | {"providers": ["x"]}]}, "no provider 'x'"),
        ({"services": [SERVICE | {"price_centavos": -1}]}, "price_centavos"),
        ({"services": [SERVICE | {"price_centavos": 1e30}]}, "price_centavos"),
        ({"services": [SERVICE | {"minutes": 100000}]}, "minutes"),
        ({"services": [SERVICE | {"name": {"en": "a\u0000b"}}]}, "control characters"),
        ({"services": [SERVICE | {"key": "../../etc"}]}, "key"),
        ({"providers": [PERSON | {"hours": [HOURS | {"to": "08:00"}]}]}, "before"),
        ({"providers": [PERSON | {"hours": [HOURS | {"to": "25:00"}]}]}, "24:00"),
        ({"providers": [PERSON | {"hours": [HOURS | {"breaks": [["08:00", "09:00"]]}]}]}, "break"),
        ({"providers": [PERSON | {"hours": [HOURS | {"weekdays": [8]}]}]}, "weekdays"),
        ({"owner": {"name": "x", "email": "not an address"}}, "owner.email"),
    ],
)
def test_a_hostile_seed_is_one_message(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_seed(changed(**changes), "here.json")
    assert "here.json" in str(refused.value)
    assert said in str(refused.value)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_the_error_is_ours(content: bytes) -> None:
    with pytest.raises(ConfigurationError):
        parse_seed(content)


def test_hours_that_overlap_name_the_provider(shop: Shop) -> None:
    twice = PERSON | {"hours": [HOURS, HOURS | {"from": "17:00", "to": "20:00"}]}
    data = parse_seed(changed(providers=[twice], services=[]))
    with pytest.raises(ConfigurationError, match="'p' overlap"):
        load(shop, data)
    assert shop.rows("SELECT count(*) FROM provider WHERE key = 'p'") == [(0,)]


def test_a_timetable_is_loaded_where_classes_are_given(shop: Shop) -> None:
    whole = json.loads(seed().model_dump_json(by_alias=True))
    group = {"key": "yoga", "name": {"es-AR": "Yoga"}, "minutes": 60, "price_centavos": 1,
             "capacity": 8, "providers": ["p0"]}  # fmt: skip
    line = {"service": "yoga", "provider": "p0", "weekdays": [1, 3], "at": "19:00", "place": "Sala"}
    whole |= {"services": [*whole["services"], group], "classes": [line]}
    data = Seed.model_validate_json(json.dumps(whole))
    gym = configuration(services=["booking", "class-management-service"])

    async def loads() -> None:
        async with shop.database() as database:
            for app in (configuration(), gym, gym):
                async with database.transaction() as connection:
                    await load_seed(connection, app, data)
                rules = shop.rows("SELECT weekday, starts, place FROM class_rule ORDER BY 1")
                assert rules == ([] if app is not gym else [(1, 1140, "Sala"), (3, 1140, "Sala")])

    asyncio.run(loads())
    assert shop.rows("SELECT count(*) > 5, min(capacity) FROM group_session") == [(True, 8)]
    assert shop.rows("SELECT class_rules()->>'block_overdue'") == [("true",)]
    with pytest.raises(ConfigurationError, match="gives no group"):
        parse_seed(changed(classes=[{**line, "service": "cut"}]))
