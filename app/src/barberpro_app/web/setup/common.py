"""What the settings pages share: declared form fields, tables, saying what went wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import Request
from starlette.responses import Response

from barberpro_app.kit.errors import AppError
from barberpro_app.web.setup.menu import menu
from barberpro_app.web.site.forms import Form
from barberpro_app.web.site.problems import explain
from barberpro_app.web.site.rendering import Reader, page

FieldKind = Literal[
    "text", "email", "tel", "number", "date", "time", "area", "choose", "tick", "ticks"
]
Options = Sequence[tuple[object, str]]


@dataclass(frozen=True)
class Field:
    """One field of a declared form."""

    name: str
    label: str
    kind: FieldKind = "text"
    hint: str = ""
    required: bool = True
    options: Options = ()
    blank: str = ""
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of a table; the first cell heads it and links where there is an address."""

    cells: Sequence[object]
    address: str = ""


@dataclass(frozen=True)
class Extra:
    """A further form of one button under the main one."""

    action: str
    label: str
    fields: Sequence[tuple[str, object]] = ()
    danger: bool = False


def panel(
    request: Request,
    reader: Reader,
    template: str,
    heading: str,
    *,
    form: Form | None = None,
    error: AppError | None = None,
    **context: Any,
) -> Response:
    """A settings page; `error` is a refused change, told above the form with what was typed kept."""
    status = 200
    if form is not None and form.problems:
        status = 422
    if error is not None:
        status = error.status
    notice = reader.t("setup.saved") if request.query_params.get("hecho") else ""
    return page(
        request,
        reader,
        f"setup/{template}.html",
        status,
        heading=heading,
        menu_groups=menu(reader, request.url.path),
        notice=notice,
        problem=explain(reader, error) if error else "",
        form=form or Form.empty(),
        **context,
    )


@dataclass(frozen=True)
class FormPage:
    """A page with one declared form."""

    heading: str
    fields: Sequence[Field]
    back: str = ""
    lead: str = ""
    others: Sequence[Extra] = ()
    send: str = ""


def form_panel(
    request: Request, reader: Reader, what: FormPage, form: Form, error: AppError | None = None
) -> Response:
    return panel(
        request,
        reader,
        "form",
        what.heading,
        form=form,
        error=error,
        fields=what.fields,
        labels={item.name: item.label for item in what.fields},
        back=what.back,
        lead=what.lead,
        others=what.others,
        send=what.send,
    )


@dataclass(frozen=True)
class ListPage:
    """A page with one table; not `adds`: the button leads elsewhere, it makes nothing new."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Row]
    lead: str = ""
    add: str = ""
    add_label: str = ""
    adds: bool = True
    more: str = ""


def list_panel(request: Request, reader: Reader, what: ListPage) -> Response:
    return panel(
        request,
        reader,
        "list",
        what.heading,
        columns=what.columns,
        rows=what.rows,
        lead=what.lead,
        add=what.add,
        add_label=what.add_label,
        adds=what.adds,
        more=what.more,
    )


def key_for(name: str, suffix: str) -> str:
    """A key (letters, digits, hyphens) from a name, made unique by the suffix."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]
    return f"{stem or 'n'}-{suffix}"
