"""Recording a session and playing it. The crypto is in the browser (static/recording.js): these are
the only pages that need scripts, and they say so."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.clinical_records import access
from barberpro_app.clinical_records.access import READ
from barberpro_app.clinical_records.persons import require_team
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.kit.headers import CONTENT_SECURITY_POLICY
from barberpro_app.session_recording import service
from barberpro_app.session_recording.schemas import ConsentSignature, Key
from barberpro_app.web.clinical.common import patient_page
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.drafts import draft
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_team)])
KEEP = (30, 90, 180, 365)


def with_media(answer: Response) -> Response:
    """These pages alone may use microphone and camera, and play what they decrypted."""
    answer.headers["Permissions-Policy"] = (
        "camera=(self), geolocation=(), microphone=(self), payment=(), usb=()"
    )
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; media-src 'self' blob:"
    return answer


async def _key(request: Request, reader: Reader) -> Key | None:
    async with reader.database.connection() as connection:
        try:
            return await service.get_key(connection, actor(request, reader.principal))
        except NotFoundError:
            return None


@router.get("/agenda/reserva/{booking_id}/grabar")
async def record(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    return await _record_page(request, reader, booking_id)


async def _record_page(
    request: Request,
    reader: Reader,
    booking_id: UUID,
    form: Form | None = None,
    error: AppError | None = None,
) -> Response:
    async with reader.database.connection() as connection:
        who = actor(request, reader.principal)
        consent = await service.consent_state(
            connection, reader.app, who, booking_id, reader.locale
        )
    answer = await patient_page(
        request, reader, consent.client_id, "record_session", form=form, error=error,
        consent=consent, key=await _key(request, reader),
        keep=[(days, reader.t.count("recording.days", days)) for days in KEEP],
    )  # fmt: skip
    return with_media(answer)


@router.post("/agenda/reserva/{booking_id}/grabar/consentimiento")
async def consent(
    request: Request, booking_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    """The patient signs on the professional's device."""
    form = await submitted(request)
    signature = read_signature(form, reader.locale)
    if signature is None:
        return await _record_page(request, reader, booking_id, form)
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.sign_consent(connection, reader.app, who, booking_id, signature)
    except AppError as error:
        return await _record_page(request, reader, booking_id, form, error)
    return see(f"/agenda/reserva/{booking_id}/grabar")


def read_signature(form: Form, locale: str) -> ConsentSignature | None:
    """A signature under a consent: ticked, with a name, for the text that was shown."""
    if not form.flag("acepto"):
        form.refuse("acepto", "error.required")
    values = {
        "locale": locale,
        "text_sha256": form.raw("huella"),
        "signed_name": form.text("firma", most=120),
    }
    return draft(form, ConsentSignature, values, {"signed_name": "firma"})


@router.get("/pacientes/{client_id}/grabaciones")
async def recordings(
    request: Request, client_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    async with reader.database.transaction() as connection:
        who = actor(request, reader.principal)
        await access.require(connection, who, client_id, READ, "recordings_read")
        found = await service.list_recordings(connection, who, client_id)
    answer = await patient_page(
        request, reader, client_id, "recordings", items=found.items, key=await _key(request, reader)
    )
    return with_media(answer)


@router.post("/pacientes/{client_id}/grabaciones/{recording_id}/borrar")
async def delete(
    request: Request, client_id: UUID, recording_id: UUID, reader: Reader = Depends(reader_of)
) -> Response:
    await submitted(request)
    async with reader.database.transaction() as connection:
        await service.delete(connection, actor(request, reader.principal), recording_id)
    return see(f"/pacientes/{client_id}/grabaciones?hecho=borrado")
