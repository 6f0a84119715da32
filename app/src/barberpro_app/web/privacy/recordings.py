"""A client's recorded sessions: agreeing before, seeing which there are, deleting."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.booking import service as bookings
from barberpro_app.booking.service import BookingQuery
from barberpro_app.identity.auth import require_signed_in
from barberpro_app.kit import clock
from barberpro_app.kit.errors import AppError
from barberpro_app.session_recording import service
from barberpro_app.web.clinical.recordings import read_signature
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.privacy.mine import own_id
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_signed_in)])
HOME = "/mis-datos/grabaciones"


@router.get(HOME)
async def every(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    own_id(reader.principal)
    who = actor(request, reader.principal)
    since = BookingQuery(
        starts_from=clock.now() - timedelta(hours=12), statuses=("confirmed", "arrived"), limit=20
    )
    async with reader.database.connection() as connection:
        found = await service.list_recordings(connection, who)
        coming = await bookings.search(connection, who, since)
    return page(request, reader, "account/recordings.html", items=found.items, coming=coming.items)


@router.get(HOME + "/{booking_id}")
async def show(request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)) -> Response:
    return await _page(request, reader, booking_id)


async def _page(
    request: Request,
    reader: Reader,
    booking_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    own_id(reader.principal)
    async with reader.database.connection() as connection:
        who = actor(request, reader.principal)
        consent = await service.consent_state(
            connection, reader.app, who, booking_id, reader.locale
        )
    return page(
        request, reader, "account/recording_consent.html",
        error.status if error else 422 if form is not None and form.problems else 200,
        consent=consent, form=form or Form.empty(), action=f"{HOME}/{booking_id}",
        problem=explain(reader, error) if error else "",
    )  # fmt: skip


@router.post(HOME + "/{booking_id}")
async def agree(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    form = await submitted(request)
    own_id(reader.principal)
    signature = read_signature(form, reader.locale)
    if signature is None:
        return await _page(request, reader, booking_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.sign_consent(connection, reader.app, who, booking_id, signature)
    except AppError as error:
        if error.status != 409:
            raise
        return await _page(request, reader, booking_id, form, error)
    return see(f"{HOME}/{booking_id}")


@router.post(HOME + "/{recording_id}/borrar")
async def delete(
    request: Request, recording_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    own_id(reader.principal)
    async with reader.database.transaction() as connection:
        await service.delete(connection, actor(request, reader.principal), recording_id)
    return see(HOME)
