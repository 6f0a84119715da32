"""The payment desk of a request: what the composition root put at `app.state`."""

from __future__ import annotations

from fastapi import Request

from barberpro_app.edge import configuration_of, database_of
from barberpro_app.payment.online import PaymentDesk


def desk_of(request: Request) -> PaymentDesk:
    return PaymentDesk(
        database_of(request), configuration_of(request), request.app.state.online_payments
    )
