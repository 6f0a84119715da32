"""One log line and one measurement per request, by route template; no path, no query, no address.

A raw path may carry a sign-in token or a booking code; the template says which page it was.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.metrics import Metrics
from barberpro_app.kit.requests import RequestInfo

#: Asked every few seconds by supervisors; logged only when they fail.
QUIET_ROUTES = frozenset({"/health", "/ready", "/metrics"})
#: Answers that stay open as long as somebody looks: counted, not timed.
OPEN_ROUTES = frozenset({"/events"})
UNMATCHED = "(unmatched)"


def route_template(scope: Scope) -> str:
    """`/api/v1/bookings/{code}` for the route that matched, else `(unmatched)`."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED


class Observation:
    """Measures and logs each request when its answer is complete.

    `bookings` names what a POST to a route does to a booking when it succeeds (`held`, ...).
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        bookings: Mapping[str, str],
        quiet: Collection[str] = QUIET_ROUTES,
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._bookings = bookings
        self._quiet = quiet
        self._log = get_logger("access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 499  # the caller went away before an answer began (nginx's number for it)

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        waits = scope["path"] not in OPEN_ROUTES
        self._metrics.in_flight += waits
        try:
            await self.app(scope, receive, watch)
        finally:
            self._metrics.in_flight -= waits
            self._finish(scope, status)

    def _finish(self, scope: Scope, status: int) -> None:
        info = RequestInfo.of(scope)
        seconds = time.perf_counter() - info.started
        route = route_template(scope)
        timed = None if route in OPEN_ROUTES and status < 400 else seconds
        self._metrics.observe_request(scope["method"], route, status, timed)
        if scope["method"] == "POST" and route in self._bookings:
            self._metrics.bookings.labels(self._booking_outcome(route, status, info.problem)).inc()
        if route in self._quiet and status < 400:
            return
        self._log.info(
            "request",
            request_id=info.request_id,
            actor=info.actor,
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            **({"problem": info.problem} if info.problem else {}),
        )

    def _booking_outcome(self, route: str, status: int, problem: str) -> str:
        if status < 400:
            return self._bookings[route]
        if status >= 500:
            return "error"
        return "slot_taken" if problem == "slot_taken" else "refused"
