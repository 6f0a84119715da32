"""Who of the team is told by e-mail of what clients do."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_scope
from barberpro_app.kit.errors import AppError
from barberpro_app.team_notices import service
from barberpro_app.team_notices.schemas import TeamNoticesChange, Topic
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import Field, FormPage, form_panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_scope("settings:write"))])
HOME = "/ajustes/avisos-al-equipo"
TOPICS: tuple[str, ...] = get_args(Topic)


def _page(reader: Reader) -> FormPage:
    t = reader.t
    options = [(topic, t(f"notices_team.{topic}")) for topic in TOPICS]
    fields = [
        Field("atiende", t("notices_team.provider"), kind="ticks", options=options,
              hint=t("notices_team.provider_hint"), required=False),
        Field("recepcion", t("notices_team.desk"), kind="ticks", options=options,
              hint=t("notices_team.desk_hint"), required=False),
        Field("correo", t("notices_team.address"), kind="email", required=False,
              hint=t("notices_team.address_hint"), extra={"maxlength": 254}),
    ]  # fmt: skip
    lead = t("notices_team.lead")
    if reader.app.compliance.health_data:
        lead = f"{lead} {t('notices_team.neutral')}"
    return FormPage(t("notices_team.title"), fields, lead=lead)


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        found = await service.get_notices(connection)
    form = Form.empty(correo=found.address or None, version=found.version)
    form.values |= {"atiende": list(found.provider), "recepcion": list(found.desk)}
    return form_panel(request, reader, _page(reader), form)


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    address = form.email("correo", required=False)
    for name in ("atiende", "recepcion"):
        if not set(form.several(name)) <= set(TOPICS):
            form.refuse(name, "error.choice")
    if not form.ok:
        return form_panel(request, reader, _page(reader), form)
    wanted = TeamNoticesChange.model_validate(
        {
            "version": form.version() or 0,
            "provider": form.several("atiende")[: len(TOPICS)],
            "desk": form.several("recepcion")[: len(TOPICS)],
            "address": address or None,
        }
    )
    try:
        async with reader.database.transaction() as connection:
            await service.change_notices(connection, actor(request, reader.principal), wanted)
    except AppError as error:
        return form_panel(request, reader, _page(reader), form, error)
    return see(f"{HOME}?hecho=1")
