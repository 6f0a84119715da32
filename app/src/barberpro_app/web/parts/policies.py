"""The rules for clients as sentences, from the settings that the owner may have changed."""

from __future__ import annotations

from barberpro_app.settings import Policies
from barberpro_app.web.site.rendering import Reader

PAYMENT_WORDS = ("cash", "transfer", "card", "mercado-pago")


def cancellation_sentence(reader: Reader, policies: Policies) -> str:
    """Until when a booking can be cancelled and moved."""
    cancel, move = policies.cancel_notice_hours, policies.reschedule_notice_hours
    if cancel != move:
        return reader.t("policy.two", cancel=cancel, reschedule=move)
    return reader.t("policy.cancel", hours=cancel) if cancel else reader.t("policy.any")


def payment_sentence(reader: Reader) -> str:
    """How one pays; no seña is asked for online."""
    known = [
        reader.t(f"pay.{name}") for name in reader.app.payments.methods if name in PAYMENT_WORDS
    ]
    if not known:
        return reader.t("services.pay_plain")
    return reader.t("services.pay", methods=", ".join(known))
