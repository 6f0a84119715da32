"""What cancelling a class costs, where the owner set a rule for classes."""

from __future__ import annotations

from datetime import timedelta

from barberpro_app.booking.schemas import Booking
from barberpro_app.class_management.schemas import ClassRules
from barberpro_app.class_management.service import get_rules
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.settings import Policies
from barberpro_app.web.parts.policies import cancellation_sentence
from barberpro_app.web.site.rendering import Reader


async def rules_for(connection: Connection, booking: Booking) -> ClassRules | None:
    """The rules under which this booking is cancelled; None where the general ones hold."""
    if booking.session_id is None:
        return None
    rules = await get_rules(connection)
    return rules if rules.late_hours is not None else None


def can_cancel(booking: Booking, rules: ClassRules | None, policies: Policies) -> bool:
    """A class until it begins, anything else until the notice of the business."""
    hours = policies.cancel_notice_hours if rules is None else 0
    return booking.starts_at - clock.now() >= timedelta(hours=hours)


def sentence(reader: Reader, rules: ClassRules | None, policies: Policies) -> str:
    """Until when cancelling is free."""
    if rules is None or rules.late_hours is None:
        return cancellation_sentence(reader, policies)
    return reader.t("classes.policy", hours=rules.late_hours)


def warning(reader: Reader, booking: Booking, rules: ClassRules | None) -> str:
    """What cancelling this booking now would cost; empty if nothing."""
    if rules is None or rules.late_hours is None:
        return ""
    if booking.starts_at - clock.now() >= timedelta(hours=rules.late_hours):
        return ""
    costs = [
        reader.t("classes.late_warning") if rules.late_charges else "",
        reader.t("classes.late_counted") if rules.late_counts else "",
    ]
    return " ".join(cost for cost in costs if cost)
