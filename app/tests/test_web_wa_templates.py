"""Templates sent to Meta from a page: what became of each, told by Meta and by a look, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from meta_templates import ACCOUNT_ID, refusal, template_notification
from meta_whatsapp import APP_SECRET, NUMBER_ID, TOKEN, Meta, error, meta_whatsapp
from support_postgres import TestServer
from support_team import query, signed_in
from support_web import Browser, HtmlForm, Page, deployment, use
from support_whatsapp import SECRETS

from barberpro_app.integration_processor.template_account import ACCOUNT, whatsapp_templates
from barberpro_app.settings import Settings
from barberpro_app.whatsapp_webhook.inbox import Inbox
from barberpro_app.whatsapp_webhook.signature import sign

HOME = "/ajustes/plantillas"
SERVICES = ("api-gateway", "notification", "whatsapp-webhook", "integration-processor")


@dataclass
class Line:
    settings: Settings
    meta: Meta

    async def work(self, application: FastAPI) -> int:
        """The worker's turn, and another one later."""
        return await whatsapp_templates(application.state.database, self.settings)

    def due(self) -> None:
        query(self.settings, "UPDATE whatsapp_template SET next_attempt_at = now()")

    def states(self) -> set[tuple[str, bool]]:
        return set(query(self.settings, "SELECT status, wanted FROM whatsapp_template"))


@pytest.fixture
def line(tmp_path: Path, postgres_server: TestServer) -> Iterator[Line]:
    with (
        meta_whatsapp() as running,
        deployment(
            tmp_path, postgres_server, services=SERVICES,
            whatsapp={"api": running.url, "timeout_seconds": 5},
        ) as settings,
    ):  # fmt: skip
        for name, value in SECRETS.items():
            (tmp_path / "secrets" / name).write_text(value)
        yield Line(settings, running.account)


def form(page: Page) -> HtmlForm:
    return next(form for form in page.forms if "cuenta" in form.values)


async def connected(owner: Browser) -> Page:
    page = await owner.get(HOME)
    saved = await owner.send(page, form(page), cuenta=ACCOUNT_ID)
    assert saved.status == 200
    return saved


def test_they_are_sent_and_each_one_says_what_became_of_it(line: Line) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, line.settings)
        page = await owner.get(HOME)
        for wrong, said in (("abc", "solo cifras"), ("", "Completá"), ("99999999", "no conoce esa cuenta"),
                            ("1" * 41, "larg")):  # fmt: skip
            answer = await owner.send(page, form(page), cuenta=wrong)
            assert answer.status == 422
            assert said in answer.text or not said
        assert await line.work(application) == 0  # nothing is set up, nothing is asked
        page = await connected(owner)
        assert "0 de 24 textos aprobados" in page.text
        assert await line.work(application) == 24
        assert line.states() == {(None, False)}

        page = await owner.send(page, page.form("/mandar"))
        assert "24 en camino" in page.text
        assert await line.work(application) == 24
        assert len(line.meta.templates.items) == 24
        assert line.states() == {("pending", False)}

        line.meta.templates.judge("REJECTED", "INVALID_FORMAT", only="reminder")
        line.meta.templates.judge("APPROVED")
        page = await owner.send(page, page.form("/mirar"))
        assert await line.work(application) == 24
        page = await owner.get(HOME)
        assert "22 de 24 textos aprobados" in page.text
        assert page.text.count("el formato no es válido") == 2

        # one that was rejected is given anew by its id, not made a second time
        await owner.send(page, page.form("/mandar"))
        await line.work(application)
        assert len(line.meta.templates.items) == 24
        assert line.states() == {("approved", False), ("pending", False)}
        for role in ("manager", "reception"):
            other = await signed_in(application, line.settings, role)
            assert (await other.get(HOME)).status == 403

    use(line.settings, steps)


def test_a_text_of_an_earlier_release_is_told_apart_and_replaced(line: Line) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, line.settings)
        page = await connected(owner)
        await owner.send(page, page.form("/mandar"))
        await line.work(application)
        line.meta.templates.judge("APPROVED")
        old = line.meta.templates.items["booking_ask", "en"]
        ours = old["components"]
        old["components"] = [{"type": "BODY", "text": "Old {{1}}."}]
        line.due()
        await line.work(application)
        page = await owner.get(HOME)
        assert "23 de 24" in page.text
        assert page.text.count("Tienen un texto anterior") == 1
        await owner.send(page, page.form("/mandar"))
        await line.work(application)
        assert old["components"] == ours
        assert old["status"] == "PENDING"

    use(line.settings, steps)


def test_meta_tells_and_the_worker_asks_what_it_was(line: Line) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, line.settings)
        page = await connected(owner)
        await owner.send(page, page.form("/mandar"))
        await line.work(application)
        line.meta.templates.judge("APPROVED", only="booking_offer")
        assert await line.work(application) == 0  # not due for ten minutes
        told = [("booking_offer", "es_AR", ACCOUNT_ID), ("booking_offer", "en", ACCOUNT_ID),
                ("booking_ask", "en", "555"), ("\0", "en", ACCOUNT_ID)]  # fmt: skip
        for name, language, account in told:
            for event in ("PENDING", "APPROVED", "APPROVED"):
                body = template_notification(name, language, event, account)
                headers = {"X-Hub-Signature-256": sign(body, APP_SECRET)}
                answer = await owner.client.post(
                    "/webhooks/whatsapp", content=body, headers=headers
                )
                assert answer.status_code == 200
        inbox = Inbox(line.settings, application.state.database)
        while await inbox.run_once():
            continue
        assert await line.work(application) == 2
        assert ("approved", False) in line.states()

    use(line.settings, steps)


def test_what_goes_wrong_at_meta_loses_nothing_and_makes_nothing_twice(line: Line) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, line.settings)
        page = await connected(owner)
        page = await owner.send(page, page.form("/mandar"))
        faults = line.meta.templates.next_faults
        faults.append(error(80008, "Too many calls", 429))
        assert await line.work(application) == 24
        page = await owner.get(HOME)
        assert "24 en camino" in page.text
        assert "Too many calls" in page.text
        line.due()
        faults.append((502, "<html>Bad gateway</html>", {}))
        await line.work(application)
        line.due()
        line.meta.templates.lose_answer = True  # it was made, and nobody knows
        await line.work(application)
        assert len(line.meta.templates.items) == 1
        line.due()
        await line.work(application)
        assert len(line.meta.templates.items) == 24
        assert line.states() == {("pending", False)}

        # a text that is not taken says why, and the others go on
        line.meta.templates.items.clear()
        line.due()
        await line.work(application)
        page = await owner.get(HOME)
        await owner.send(page, page.form("/mandar"))
        line.meta.templates.answer = _refuse_one(line)  # type: ignore[method-assign]
        await line.work(application)
        page = await owner.get(HOME)
        assert "No lo aceptaron" in page.text
        assert "&lt;b&gt;no&lt;/b&gt;" in page.html
        assert len(line.meta.templates.items) == 23

    use(line.settings, steps)


def _refuse_one(line: Line) -> object:
    whole = type(line.meta.templates).answer
    refused: list[str] = []

    def answer(method: str, path: list[str], query: dict[str, str], raw: bytes) -> object:
        if method == "POST" and not refused:
            refused.append("once")
            return refusal(100, "<b>no</b>")
        return whole(line.meta.templates, method, path, query, raw)

    return answer


def test_the_account_has_to_be_that_of_the_number(line: Line) -> None:
    async def steps(application: FastAPI) -> None:
        owner = await signed_in(application, line.settings)
        page = await owner.get(HOME)
        line.meta.templates.number_id = "777"
        answer = await owner.send(page, form(page), cuenta=ACCOUNT_ID)
        assert "Tu número no es de esa cuenta" in answer.text
        line.meta.templates.next_faults.append(error(190, "Invalid OAuth access token", 401))
        answer = await owner.send(page, form(page), cuenta=ACCOUNT_ID)
        assert "no acepta este token" in answer.text
        line.meta.templates.next_faults.append((200, "[]", {}))
        answer = await owner.send(page, form(page), cuenta=ACCOUNT_ID)
        assert "Meta no responde ahora" in answer.text
        assert query(line.settings, "SELECT 1 FROM sealed_setting WHERE key = %s", ACCOUNT) == []
        assert NUMBER_ID not in answer.html
        assert TOKEN not in answer.html

    use(line.settings, steps)
