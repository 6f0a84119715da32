"""The rules for clients, which the owner changes here."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.policy import service
from barberpro_app.policy.schemas import PoliciesPatch
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import Field, FormPage, form_panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/reglas"
#: Name with the least and the most that may be set.
RULES = (
    ("hold_minutes", 1, 120),
    ("slot_minutes", 5, 240),
    ("booking_window_days", 1, 365),
    ("minimum_notice_minutes", 0, 43200),
    ("cancel_notice_hours", 0, 720),
    ("reschedule_notice_hours", 0, 720),
)


def _page(reader: Reader) -> FormPage:
    fields = [
        Field(name, reader.t(f"policies.{name}"), kind="number", extra={"min": least, "max": most})
        for name, least, most in RULES
    ]
    return FormPage(reader.t("policies.title"), fields, lead=reader.t("policies.lead"))


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await service.get_policies(connection, reader.app)
    form = Form.empty(**found.policies.model_dump(), version=found.version)
    return form_panel(request, reader, _page(reader), form)


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = {name: form.integer(name, least=least, most=most) for name, least, most in RULES}
    if not form.ok:
        return form_panel(request, reader, _page(reader), form)
    patch = PoliciesPatch.model_validate({"version": form.version() or 0, **values})
    try:
        async with reader.database.transaction() as connection:
            who = actor(request, reader.principal)
            await service.change_policies(connection, reader.app, who, patch)
    except AppError as error:
        return form_panel(request, reader, _page(reader), form, error)
    return see(f"{HOME}?hecho=1")
