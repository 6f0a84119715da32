"""Forms with files, whose token comes in them like in every other form."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from barberpro_app.identity.forms import FORM_FIELD, FormTokens
from barberpro_app.web.site.forms import Form

MOST_FIELDS = 30
_BAD_REQUEST = 400


async def submitted_files(
    request: Request, *names: str, largest: int
) -> tuple[Form, dict[str, bytes]]:
    """The form and the content of its files, at most one byte more than `largest` of each, so that
    one that is too long is seen; empty where nothing was chosen.

    Raises `CrossSiteRequestError`.
    """
    values: dict[str, list[str]] = {}
    contents = dict.fromkeys(names, b"")
    try:
        async with request.form(max_files=len(names), max_fields=MOST_FIELDS) as sent:
            for name, value in sent.multi_items():
                if isinstance(value, UploadFile):
                    if name in contents:
                        contents[name] = await value.read(largest + 1)
                else:
                    values.setdefault(name, []).append(value)
    except HTTPException as error:
        if error.status_code != _BAD_REQUEST:
            raise
    form = Form(values)
    tokens: FormTokens = request.app.state.form_tokens
    tokens.check(request, form.raw(FORM_FIELD))
    return form, contents
