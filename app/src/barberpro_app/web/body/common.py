"""What the pages of body data share: whose they are, the way round them, numbers, closed doors."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from babel.numbers import format_decimal
from fastapi import Depends, Request
from starlette.responses import Response

from barberpro_app.body_data import repository, service
from barberpro_app.body_data.errors import ConsentNeededError, NotSharedError
from barberpro_app.body_data.schemas import BodyConsentState
from barberpro_app.clinical_records.persons import require_person
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import AppError, NotFoundError
from barberpro_app.web.parts.booking_view import actor
from barberpro_app.web.site.forms import Form, parse_key
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page, reader_of
from barberpro_app.web.site.texts import Translator

PROGRESS, ACTIVITIES, NUTRITION = (
    "progress-tracking-service",
    "biometric-integration-service",
    "nutrition-service",
)
MINE, TEAM = "/mi-progreso", "/progreso"
DONE = {
    "guardado": "body.saved",
    "borrado": "body.deleted",
    "aceptado": "body.agreed",
    "retirado": "body.withdrawn",
    "firmado": "nutrition.signed_done",
    "terminado": "body.ended",
}
#: Forms that answer with the page again: the code that a person can do something about.
_SHOWN = {409, 422}
Handler = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Scene:
    """Whose pages these are, and who looks: the person (`staff` false) or who attends them."""

    client_id: UUID
    name: str
    staff: bool

    @property
    def home(self) -> str:
        return f"{TEAM}/{self.client_id}" if self.staff else MINE

    @property
    def plans(self) -> str:
        return f"{self.home}/plan" if self.staff else "/mi-plan"

    @property
    def base(self) -> str:
        return "staff/base.html" if self.staff else "base.html"


async def scene_of(
    request: Request,
    principal: Principal = Depends(require_person),
    reader: Reader = Depends(reader_of),
) -> Scene:
    """Dependency: the person's own pages, or a client's where the address names one."""
    named = request.path_params.get("client_id")
    if named is None:
        if principal.client_id is None:
            raise NotFoundError
        return Scene(principal.client_id, "", staff=False)
    client_id = parse_key(str(named))
    if client_id is None or principal.kind != "staff":
        raise NotFoundError
    async with reader.database.connection() as connection:
        name = await repository.name_of(connection, client_id)
    return Scene(client_id, name, staff=True)


async def consent_of(
    connection: Connection, request: Request, reader: Reader, scene: Scene, purpose: str
) -> BodyConsentState | None:
    """The state of one of the person's own consents; None on the pages of the team."""
    if scene.staff:
        return None
    who = actor(request, reader.principal)
    found = await service.consents(connection, reader.app, who, reader.locale)
    return next((item for item in found.items if item.purpose == purpose), None)


def guarded(handler: Handler) -> Handler:
    """Shows a page that says why, where the client does not share or has not agreed."""

    @wraps(handler)
    async def shown(*args: Any, **values: Any) -> Response:
        try:
            return await handler(*args, **values)
        except (NotSharedError, ConsentNeededError) as error:
            scene = values["scene"]
            if not scene.staff:
                raise
            return page(
                values["request"], values["reader"], "body/closed.html", error.status,
                scene=scene, tabs=[], text=explain(values["reader"], error),
            )  # fmt: skip

    return shown


def tabs(reader: Reader, scene: Scene) -> list[tuple[str, str]]:
    """The pages of this person, by the enabled services."""
    found = []
    if PROGRESS in reader.app.services:
        found.append((scene.home, reader.t("progress.tab")))
    if ACTIVITIES in reader.app.services:
        found.append((f"{scene.home}/actividades", reader.t("activity.title")))
    if NUTRITION in reader.app.services:
        found.append((scene.plans, reader.t("nutrition.tab")))
    if not scene.staff:
        found.append((f"{MINE}/permisos", reader.t("body.permissions")))
    return found


def body_page(
    request: Request,
    reader: Reader,
    scene: Scene,
    template: str,
    *,
    form: Form | None = None,
    error: AppError | None = None,
    **context: Any,
) -> Response:
    """A page of body data; `error` is a refused change, told above what was typed."""
    status = error.status if error else 422 if form is not None and form.problems else 200
    notice = DONE.get(request.query_params.get("hecho", ""))
    return page(
        request, reader, f"body/{template}.html", status,
        scene=scene, tabs=tabs(reader, scene), form=form or Form.empty(),
        problem=explain(reader, error) if error else "",
        notice=reader.t(notice) if notice else "",
        number=lambda value, decimals=0: number(reader, value, decimals),
        unit=lambda unit: unit_of(reader.t, unit),
        **context,
    )  # fmt: skip


def again(error: AppError, scene: Scene) -> None:
    """Raises what a form cannot tell: the rest is shown with what was typed. A professional whom the
    person does not let see is told so on a page of its own."""
    closed = isinstance(error, (NotSharedError, ConsentNeededError)) and scene.staff
    if error.status not in _SHOWN or closed:
        raise error


def number(reader: Reader, value: float, decimals: int = 0) -> str:
    """As the reader writes it: "71,2"."""
    pattern = "#,##0" + (f".{'#' * decimals}" if decimals else "")
    return format_decimal(
        round(value, decimals), format=pattern, locale=reader.locale.replace("-", "_")
    )


def unit_of(t: Translator, unit: str) -> str:
    """A unit in the reader's language where there is a word for it."""
    return t(f"unit.{unit}") if t.has(f"unit.{unit}") else unit


def decimal_of(form: Form, name: str, *, required: bool = True) -> float | None:
    """A number with a decimal comma or point; None, with the problem noted, for anything else."""
    text = form.text(name, most=20, required=required).replace(",", ".")
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,6}(\.\d{1,6})?", text, re.ASCII):
        form.refuse(name, "error.number")
        return None
    return float(text)
