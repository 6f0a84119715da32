"""The first page's services: by category, each with the deposit that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from barberpro_app.kit.database import Connection
from barberpro_app.pricing import service as pricing
from barberpro_app.web.parts.offer import Offered
from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class Item:
    """A service and its deposit as text; "" where none is asked for."""

    service: Offered
    deposit: str


@dataclass(frozen=True)
class Shelf:
    """Services of one category, in the order of the business; "" is what has none."""

    name: str
    offers: list[Item]


async def shelves(
    connection: Connection, reader: Reader, offered: Sequence[Offered]
) -> list[Shelf]:
    """The categories in the order of their first service; what has none comes last."""
    texts = await _deposits(connection, reader, offered)
    found: dict[str, list[Item]] = {}
    for service, text in zip(offered, texts, strict=True):
        found.setdefault(service.category, []).append(Item(service, text))
    rest = found.pop("", [])
    named = [Shelf(name, items) for name, items in found.items()]
    if not rest:
        return named
    return [*named, Shelf(reader.t("services.other") if named else "", rest)]


async def _deposits(
    connection: Connection, reader: Reader, offered: Sequence[Offered]
) -> list[str]:
    if "payment" not in reader.app.services or not offered:
        return ["" for _ in offered]
    amounts = await pricing.usual_deposits(
        connection,
        [(item.id, item.price_centavos) for item in offered],
        reader.principal.client_id,
    )
    return [_text(reader, now, most) for now, most in amounts]


def _text(reader: Reader, now: int, most: int) -> str:
    if now:
        return reader.t("services.deposit", what=reader.fmt.money(now))
    return reader.t("services.deposit_may_be") if most else ""
