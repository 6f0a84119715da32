"""Errors as pages in the brand's style and the reader's language."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from barberpro_app.identity.auth import ANONYMOUS
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import AppError
from barberpro_app.kit.problems import Problem
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.web.site.rendering import Reader, page, reader_for, see

#: Only these show the number that finds the request in the logs.
SERVER_ERROR = 500
#: What may be over in a moment.
_PASSING = {429, 500, 502, 503, 504}


def error_page(request: Request, problem: Problem) -> Response:
    """The page of a problem; who is not signed in is sent to sign in where that would help."""
    known = RequestInfo.of(request.scope).principal
    reader = reader_for(request, known if isinstance(known, Principal) else ANONYMOUS)
    if problem.status == 401 and request.method == "GET":
        # the pages of a client: /mis-datos, /mi-plan...
        team = "" if request.url.path.startswith("/mi") else "equipo=1&"
        return see(f"/entrar?{team}volver={request.url.path}")
    key = f"problem.{problem.status}"
    if not reader.t.has(f"{key}.title"):
        key = "problem.500" if problem.status >= SERVER_ERROR else "problem.400"
    answer = page(
        request,
        reader,
        "problem.html",
        problem.status,
        status=problem.status,
        title=reader.t(f"{key}.title"),
        text=reader.t(f"{key}.text"),
        layout="staff/base.html" if reader.principal.is_staff else "base.html",
        again=_again(request) if problem.status in _PASSING else "",
        request_id=problem.request_id if problem.status >= SERVER_ERROR else "",
    )
    answer.headers.update(problem.headers)
    return answer


def _again(request: Request) -> str:
    """The address to ask once more for; "" for a form, which is sent by its own page."""
    if request.method != "GET":
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    # one slash: two would lead to another site
    return f"/{request.url.path.lstrip('/')}{query}"


def explain(reader: Reader, error: AppError) -> str:
    """A refused action in the reader's language."""
    key = f"code.{error.code}"
    return reader.t(key if reader.t.has(key) else "code.failed")
