"""How long what is kept: what the owner sets, and what a law or the purpose says of the rest."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from barberpro_app.identity.auth import require_role
from barberpro_app.kit.errors import AppError
from barberpro_app.retention import service
from barberpro_app.retention.schemas import MOST_MONTHS, RetentionChange
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.setup.common import panel
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.rendering import Reader, reader_of, see, submitted

router = APIRouter(include_in_schema=False, dependencies=[Depends(require_role("owner"))])
HOME = "/ajustes/conservacion"
#: Services with body data; where there is none its term is not asked for.
BODY = {"progress-tracking-service", "biometric-integration-service", "nutrition-service"}
CLINICAL = {"encrypted-notes-service", "odontogram-service", "treatment-plan-service"}
#: What is not the owner's to set, in the order of the page -> services that have it (none: everybody).
CLASSES: tuple[tuple[str, frozenset[str]], ...] = (
    ("clinical", frozenset(CLINICAL)),
    ("recordings", frozenset({"session-recording-service"})),
    ("books", frozenset({"payment"})),
    ("bookings", frozenset()),
    ("consents", frozenset()),
    ("messages", frozenset()),
    ("photos", frozenset({"portfolio-service"})),
    ("access", frozenset()),
)


@router.get(HOME)
async def show(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    async with reader.database.connection() as connection:
        rules = await service.get_rules(connection)
    form = Form.empty(
        cuerpo=rules.body_months, fila=rules.walk_in_days, espera=rules.waiting_months,
        version=rules.version,
    )  # fmt: skip
    return _page(request, reader, form)


def _page(
    request: Request, reader: Reader, form: Form, error: AppError | None = None
) -> Response:  # fmt: skip
    here = set(reader.app.services)
    years = reader.app.compliance.clinical_retention_years or 10
    names = ("cuerpo", "fila", "espera")
    return panel(
        request, reader, "retention", reader.t("retention.title"), form=form, error=error,
        body=bool(BODY & here), most=MOST_MONTHS, years=years,
        labels={name: reader.t(f"retention.{name}") for name in names},
        classes=[name for name, services in CLASSES if not services or services & here],
    )  # fmt: skip


@router.post(HOME)
async def change(request: Request, reader: Reader = Depends(reader_of)) -> Response:
    form = await submitted(request)
    values = {
        "version": form.version() or 0,
        "walk_in_days": form.integer("fila", least=1, most=365),
        "waiting_months": form.integer("espera", least=1, most=60),
    }
    if BODY & set(reader.app.services):
        values["body_months"] = form.integer("cuerpo", least=6, most=MOST_MONTHS)
    if not form.ok:
        return _page(request, reader, form)
    try:
        async with reader.database.transaction() as connection:
            wanted = RetentionChange.model_validate(values)
            await service.change_rules(connection, actor(request, reader.principal), wanted)
    except AppError as error:
        return _page(request, reader, form, error)
    return see(f"{HOME}?hecho=1")
