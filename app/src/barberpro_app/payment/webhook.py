"""Notifications of Mercado Pago: signed, taken once, answered within their 22 seconds.

A notification says only which payment to look at; it is then read from the API. What cannot be read
now is left to the worker, and the answer is 200 all the same, for the notice is stored.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

from fastapi import APIRouter, Request, Response

from barberpro_app.kit.errors import NotAllowedError, NotFoundError
from barberpro_app.kit.logging import get_logger
from barberpro_app.payment import repository
from barberpro_app.payment.desk import desk_of
from barberpro_app.payment.jobs import work_notice
from barberpro_app.payment.signature import Signed, is_genuine

router = APIRouter(include_in_schema=False)
SECONDS = 10.0
LARGEST_BODY = 65_536
_PAYMENT_ID = re.compile(r"[0-9]{1,20}")

log = get_logger(__name__)


class ForgedNoticeError(NotAllowedError):
    """This notification is not signed by the payment provider."""

    code = "forged_notice"
    status = 401


@router.post("/webhooks/mercado-pago")
async def notified(request: Request) -> Response:
    """Takes one notification."""
    desk = desk_of(request)
    secret = desk.online.webhook_secret
    if secret is None or not desk.online.enabled:
        raise NotFoundError
    body = await _body(request)
    request_id = request.headers.get("x-request-id", "")
    signature = request.headers.get("x-signature", "")
    wanted = [request.query_params.get("data.id", ""), _id_of(body)]
    genuine = next(
        (
            data_id
            for data_id in dict.fromkeys(wanted)
            if data_id and is_genuine(Signed(data_id, request_id, signature), secret, time.time())
        ),
        None,
    )
    if genuine is None or not 1 <= len(request_id) <= 200:
        log.warning("forged_notice", integration="mercado-pago")
        raise ForgedNoticeError
    kind = request.query_params.get("type") or body.get("type")
    if kind != "payment" or not _PAYMENT_ID.fullmatch(genuine):
        return Response(status_code=200)
    async with desk.database.connection() as connection:
        new = await repository.add_notice(connection, request_id, genuine)
    if new:
        try:
            async with asyncio.timeout(SECONDS):
                await work_notice(desk, request_id, genuine, 1)
        except TimeoutError:
            log.warning("notice_left_to_worker", integration="mercado-pago")
    return Response(status_code=200)


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of the body; an empty one for anything else."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            return {}
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _id_of(body: dict[str, Any]) -> str:
    data = body.get("data")
    value = data.get("id") if isinstance(data, dict) else None
    return str(value) if isinstance(value, (str, int)) else ""
