"""What WhatsApp costs the brand: messages that Meta said it bills, times a dated table of prices."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

from barberpro_app.kit.database import Connection


@dataclass(frozen=True, slots=True)
class MonthOfWhatsApp:
    """`cost` in `currency`; `unpriced`: billed messages for which the table has no price."""

    month: date
    messages: int
    billable: int
    cost: Decimal
    currency: str
    unpriced: int
    source: str


class PriceTable:
    """Prices with the day from which each holds."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.currency: str = document["currency"]
        self.source: str = document["source"]
        self.free_service: int = document["free_service_messages_a_month"]
        self._prices = sorted(
            (date.fromisoformat(item["from"]), item["country"], item["category"],
             Decimal(item["amount"]))
            for item in document["prices"]
        )  # fmt: skip

    @classmethod
    def load(cls) -> PriceTable:
        text = files(__package__).joinpath("prices.json").read_text(encoding="utf-8")
        return cls(json.loads(text))

    def price(self, day: date, country: str, category: str) -> Decimal | None:
        """The last one that began by then; None if there is none."""
        found = None
        for start, of_country, of_category, amount in self._prices:
            if start <= day and (of_country, of_category) == (country, category):
                found = amount
        return found


def month_cost(table: PriceTable, month: date, rows: list[dict[str, Any]]) -> MonthOfWhatsApp:
    """Of rows {day, category, country, billable, free}, in order of day."""
    cost, unpriced = Decimal(0), 0
    used: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        count = row["billable"]
        if row["category"] == "service":
            left = max(table.free_service - used["service"], 0)
            used["service"] += count
            count = max(count - left, 0)
        price = table.price(row["day"], row["country"], row["category"])
        if price is None:
            unpriced += count
        else:
            cost += price * count
    return MonthOfWhatsApp(
        month,
        sum(row["billable"] + row["free"] for row in rows),
        sum(row["billable"] for row in rows),
        cost,
        table.currency,
        unpriced,
        table.source,
    )


async def costs(connection: Connection, table: PriceTable) -> list[MonthOfWhatsApp]:
    """The last twelve months that had messages, newest first."""
    cursor = await connection.execute(
        "SELECT day, category, country, billable, free FROM whatsapp_usage"
        " WHERE day >= date_trunc('month', now()) - interval '11 months' ORDER BY day"
    )
    months: dict[date, list[dict[str, Any]]] = {}
    for row in await cursor.fetchall():
        months.setdefault(row["day"].replace(day=1), []).append(row)
    return [month_cost(table, month, months[month]) for month in sorted(months, reverse=True)]
