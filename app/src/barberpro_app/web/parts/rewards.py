"""What pages show of loyalty: cards with their stamps, the level, a reward that was spent."""

from __future__ import annotations

from dataclasses import dataclass

from barberpro_app.booking.schemas import Booking
from barberpro_app.kit.database import Connection
from barberpro_app.loyalty import service
from barberpro_app.loyalty.schemas import Card, Cards, Reward, Rule, StampByHand
from barberpro_app.web.site.rendering import Reader

SERVICE = "loyalty-program-service"
#: A card with more stamps is shown as a number alone.
MOST_DOTS = 20


@dataclass(frozen=True)
class CardView:
    """One card in the reader's words."""

    card: Card
    gives: str
    earned_by: str
    dots: tuple[bool, ...]
    usable: bool = False


@dataclass(frozen=True)
class DeskView:
    """What the team sees at a booking."""

    cards: tuple[CardView, ...]
    found: Cards
    reward: Reward | None
    by_hand: tuple[StampByHand, ...] = ()


def gives(reader: Reader, rule: Rule) -> str:
    """What a full card gives: a percentage off, or the visit."""
    if rule.percent == 100:
        return reader.t("rewards.free")
    return reader.t("rewards.percent", n=rule.percent)


def earned_by(reader: Reader, rule: Rule, services: dict[object, str]) -> str:
    """What a stamp is given for."""
    t = reader.t
    what = services.get(rule.service_id, "–") if rule.service_id else t("prices.any")
    if rule.per_centavos:
        return f"{what} · {t('rewards.each_amount', what=reader.fmt.money(rule.per_centavos))}"
    return f"{what} · {t('rewards.each_visit')}"


def card_view(
    reader: Reader, card: Card, services: dict[object, str], *, usable: bool = False
) -> CardView:
    wanted = card.rule.stamps
    dots = tuple(n < card.stamps for n in range(wanted)) if wanted <= MOST_DOTS else ()
    return CardView(
        card, gives(reader, card.rule), earned_by(reader, card.rule, services), dots, usable
    )


async def at_desk(connection: Connection, reader: Reader, booking: Booking) -> DeskView | None:
    """The cards of a booking's client; None where there is no programme or nobody to have one."""
    if SERVICE not in reader.app.services or booking.client is None:
        return None
    found = await service.cards(connection, booking.client.id)
    reward = await service.reward_of_booking(connection, booking.id)
    open_ = booking.status in {"confirmed", "arrived"} and reward is None
    names: dict[object, str] = {
        booking.service.id: booking.service.name.get(reader.locale, "")
        or next(iter(booking.service.name.values()), "")
    }
    cards = tuple(
        card_view(
            reader, card, names,
            usable=open_ and card.full and card.rule.service_id in {None, booking.service.id},
        )
        for card in found.items
        if card.rule.service_id in {None, booking.service.id} or card.stamps
    )  # fmt: skip
    given = tuple(await service.by_hand(connection, booking.client.id))
    return DeskView(cards, found, reward, given) if cards or reward else None
