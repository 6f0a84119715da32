"""A client's way through the public pages, with plain forms and no JavaScript.

Chooses a service and a provider, takes a time, gives name and e-mail, changes the time, cancels;
and a second client who wants the same time must not get it. Pages are followed by their links and
forms as a browser would, so what is proved is what a visitor can do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx

from barberpro.deployment.checks.pages import Form, Page
from barberpro.errors import BarberProError

TIME_FIELD, PROVIDER_FIELD, DAY_FIELD = "inicio", "profesional", "dia"
CHOOSE, DETAILS, MANAGE = "/reservar", "/reservar/datos/", "/reserva/"
CONFIRMED = "/reserva/..."


class JourneyError(BarberProError):
    """A step of the client's way did not work."""


@dataclass(slots=True)
class Journey:
    """One visitor with cookies of their own. ``done`` names each step with the answer's status."""

    client: httpx.Client
    email: str
    done: list[str] = field(default_factory=list)

    def get(self, url: str) -> Page:
        return self._page(self.client.get(url, follow_redirects=True), f"GET {url}")

    def submit(self, form: Form, values: dict[str, str]) -> httpx.Response:
        fields = {**form.fields, **values}
        return self.client.post(form.action, data=fields, follow_redirects=True)

    def choose_time(self) -> tuple[Page, Form, list[str]]:
        """The page with times of one provider, its form and those times."""
        front = self.get("/")
        offered = [link.href for link in front.links if urlsplit(link.href).path == CHOOSE]
        if not offered:
            raise JourneyError("the first page offers no service", where=front.url)
        page = self.get(offered[0])
        providers = [v for form in page.forms for v in form.choices.get(PROVIDER_FIELD, []) if v]
        if providers:
            page = self.get(_with(page.url, {PROVIDER_FIELD: providers[0]}))
        return self._times_far_away(page)

    def _times_far_away(self, page: Page) -> tuple[Page, Form, list[str]]:
        """Times on the latest day offered that has two: so far away that the client may still
        change and cancel, whatever notice the business asks for."""
        path = urlsplit(page.url).path
        days = [
            link.href
            for link in page.links
            if urlsplit(link.href).path == path and DAY_FIELD in _query(link.href)
        ]
        for address in sorted(set(days), key=lambda url: _query(url)[DAY_FIELD], reverse=True):
            candidate = self.get(address)
            form = _form_with(candidate, TIME_FIELD)
            times = form.choices.get(TIME_FIELD, []) if form else []
            if form and len(times) > 1:
                self.done.append(f"{len(times)} times offered on {_query(address)[DAY_FIELD][0]}")
                return candidate, form, times
        raise JourneyError("no day offers two free times", where=page.url)

    def take(self, form: Form, time: str) -> Page:
        """Holds the time; the page that asks who is booking."""
        page = self._page(self.submit(form, {TIME_FIELD: time}), f"take {time}")
        if not urlsplit(page.url).path.startswith(DETAILS):
            raise JourneyError("the time was not held", where=page.url, mend=page.text[:300])
        self.done.append(f"held {time}")
        return page

    def confirm(self, page: Page) -> Page:
        """Gives name and e-mail; the page with the booking's code."""
        form = _required(_form_with(page, "email"), "the form that asks who is booking", page)
        who = {
            "nombre": "Prueba de Verificación",
            "email": self.email,
            "telefono": "+54 11 4000-0000",
        }
        answer = self._page(self.submit(form, who), "confirm")
        address = next((link.href for link in answer.links if _manages(link.href)), None)
        if address is None:
            raise JourneyError(
                "the booking was not confirmed", where=answer.url, mend=answer.text[:300]
            )
        self.done.append("confirmed")
        response = self.client.get(address, follow_redirects=True)
        if "no-store" not in response.headers.get("cache-control", ""):
            raise JourneyError("a client's own booking may be kept by caches", where=CONFIRMED)
        return self._page(response, "see the booking")

    def reschedule(self, booking: Page, avoid: str) -> Page:
        """Moves the booking to another time; its page."""
        page, form, times = self._times_far_away(self.get(f"{_bare(booking.url)}/cambiar"))
        time = next((t for t in times if t != avoid), None)
        if time is None:
            raise JourneyError("there is no other time to move to", where=page.url)
        moved = self._page(self.submit(form, {TIME_FIELD: time}), "reschedule")
        if "/cambiar" in urlsplit(moved.url).path:
            raise JourneyError("the booking was not moved", where=moved.url, mend=moved.text[:300])
        self.done.append(f"moved to {time}")
        return booking

    def cancel(self, booking: Page) -> None:
        page = self.get(f"{_bare(booking.url)}/cancelar")
        form = _required(next((f for f in page.forms if f.action.endswith("/cancelar")), None),
                         "the form that cancels", page)  # fmt: skip
        self._page(self.submit(form, {"motivo": "prueba"}), "cancel")
        after = self.get(_bare(booking.url))
        if any(link.href.endswith("/cancelar") for link in after.links):
            raise JourneyError(
                "the booking was not cancelled", where=after.url, mend=after.text[:300]
            )
        self.done.append("cancelled")

    def is_refused(self, seen: Page, form: Form, time: str) -> bool:
        """Whether the time that somebody else holds is refused to this visitor, who had ``form``
        on screen when it was still free."""
        own = _form_with(self.get(seen.url), TIME_FIELD)
        token = {"csrf": own.fields["csrf"]} if own and "csrf" in own.fields else {}
        if not token and "csrf" in form.fields:  # no free time left on that day: any form has it
            front = self.get("/")
            token = next(
                ({"csrf": f.fields["csrf"]} for f in front.forms if "csrf" in f.fields), {}
            )
        answer = self.submit(form, {**token, TIME_FIELD: time})
        refused = not urlsplit(str(answer.url)).path.startswith(DETAILS)
        self.done.append(f"{time} {'refused to' if refused else 'GIVEN TO'} a second client")
        return refused

    def _page(self, response: httpx.Response, what: str) -> Page:
        if response.status_code >= 400:
            raise JourneyError(
                f"{what} answers {response.status_code}",
                where=str(response.url),
                mend=f"barberpro logs DEPLOYMENT --request {response.headers.get('x-request-id', '')}",
            )
        return Page(str(response.url), response.text)


def walk(open_visitor: Callable[[], httpx.Client], domain: str) -> list[str]:
    """The whole way, with two visitors; what was seen, step by step. Raises ``JourneyError``."""
    with open_visitor() as one, open_visitor() as other:
        first, second = Journey(one, f"one@{domain}"), Journey(other, f"two@{domain}")
        page, form, times = first.choose_time()
        taken = times[len(times) // 2]
        details = first.take(form, taken)
        if not second.is_refused(page, form, taken):
            raise JourneyError(f"{taken} was given to two clients", where=form.action)
        booking = first.confirm(details)
        first.cancel(first.reschedule(booking, taken))
        return [*first.done, *second.done]


def _form_with(page: Page, name: str) -> Form | None:
    return next((f for f in page.forms if f.method == "post" and name in f.names), None)


def _required(form: Form | None, what: str, page: Page) -> Form:
    if form is None:
        raise JourneyError(f"{what} is missing", where=page.url, mend=page.text[:300])
    return form


def _query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _with(url: str, values: dict[str, str]) -> str:
    query = {name: found[0] for name, found in _query(url).items()} | values
    return f"{_bare(url)}?{urlencode(query)}"


def _manages(url: str) -> bool:
    return re.fullmatch(rf"{MANAGE}[^/]+", urlsplit(url).path) is not None
