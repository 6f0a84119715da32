"""The business's own domain, against a real name server on this machine."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from support_postgres import TestServer
from support_shop import SYSTEM_ACTOR
from support_web import Browser, deployment, use

from barberpro_app.identity.repository import Subject
from barberpro_app.own_domain import service
from barberpro_app.own_domain.lookup import Resolver
from barberpro_app.own_domain.service import DomainNameError, host_of, is_apex, normal
from barberpro_app.settings import Settings

HOME = "/ajustes/dominio"
HOST = "palermo.barberpro.example.com.ar"
ZONE = {
    (f"{HOST}.", "A"): "203.0.113.7",
    (f"{HOST}.", "AAAA"): "2001:db8::7",
    ("turnos.barber.com.ar.", "CNAME"): f"{HOST}.",
    ("barber.com.ar.", "A"): "203.0.113.7",
    ("otro.com.ar.", "A"): "198.51.100.1",
}


@pytest.fixture(scope="module")
def resolver() -> Iterator[Resolver]:
    """A server of ZONE over UDP; what ends in `mudo.com.ar` it leaves without an answer."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            packet, peer = listening.recvfrom(4096)
            if not packet:
                return
            asked = dns.message.from_wire(packet)
            question = asked.question[0]
            name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
            answer = dns.message.make_response(asked)
            answer.flags |= dns.flags.RA
            if name.endswith("mudo.com.ar."):
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif not any(known == name for known, _ in ZONE):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            while (name, "CNAME") in ZONE and kind != "CNAME":
                target = ZONE[name, "CNAME"]
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
                name = target
            if (name, kind) in ZONE:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, ZONE[name, kind]))
            listening.sendto(answer.to_wire(), peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    yield Resolver(("127.0.0.1",), port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
        ending.sendto(b"", ("127.0.0.1", port))
    thread.join(60)
    listening.close()


@pytest.mark.parametrize(("typed", "name"), [
    ("Turnos.Barber.com.ar", "turnos.barber.com.ar"), ("https://barber.com.ar/reservar", "barber.com.ar"),
    (" barber.com.ar. ", "barber.com.ar"), ("peluquería.com.ar", "xn--peluquera-n5a.com.ar"),
])  # fmt: skip
def test_names_are_read_as_people_write_them(typed: str, name: str) -> None:
    assert normal(typed) == name


@pytest.mark.parametrize("typed", [
    "", "barber", "bar ber.com", "-a.com", "a-.com", "a..com", "192.0.2.1", "x.localhost", "x.local",
    "a" * 64 + ".com", ("a" * 60 + ".") * 5 + "com", "a_b.com", "[::1]", "a.com:80", "'; DROP--.com",
    "<b>.com", "x.internal", "\ud800.com",
])  # fmt: skip
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(DomainNameError):
        normal(typed)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_refused(typed: str) -> None:
    try:
        name = normal(typed)
    except DomainNameError:
        return
    assert normal(name) == name
    assert "." in name
    assert name.isascii()


def test_apex_and_host() -> None:
    assert [is_apex(n) for n in ("a.com", "a.com.ar", "a.ar", "b.a.com", "b.a.com.ar", "b.a.ar")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert host_of(f"https://{HOST}:8443") == HOST
    for private in (
        "https://a.localhost:8443",
        "http://localhost:80",
        "http://127.0.0.1",
        "http://10.0.0.1",
    ):
        assert host_of(private) == ""


@pytest.mark.parametrize(("name", "state"), [
    ("turnos.barber.com.ar", "pointing"), ("barber.com.ar", "pointing"), ("otro.com.ar", "elsewhere"),
    ("nada.com.ar", "absent"), ("mudo.com.ar", "unanswered"),
])  # fmt: skip
def test_a_look_says_where_a_name_leads(resolver: Resolver, name: str, state: str) -> None:
    assert asyncio.run(service.look(resolver, name, HOST)).state == state
    if state == "pointing":
        assert asyncio.run(service.look(resolver, name, "")).state == "elsewhere"


def test_the_records_lead_here(resolver: Resolver) -> None:
    below = asyncio.run(service.wanted(resolver, "turnos.otro.com.ar", HOST))
    assert [(r.kind, r.name, r.value) for r in below] == [("CNAME", "turnos.otro.com.ar", HOST)]
    apex = asyncio.run(service.wanted(resolver, "otro.com.ar", HOST))
    assert {(r.kind, r.value) for r in apex} == {("A", "203.0.113.7"), ("AAAA", "2001:db8::7")}
    assert asyncio.run(service.wanted(resolver, "otro.com.ar", "")) == []


@pytest.fixture
def settings(tmp_path: Path, postgres_server: TestServer) -> Iterator[Settings]:
    with deployment(tmp_path, postgres_server) as found:
        yield found


def test_the_page_says_what_to_do_and_the_truth(settings: Settings, resolver: Resolver) -> None:
    with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
        row = connection.execute("SELECT id FROM staff_user WHERE role = 'owner'").fetchone()
    assert row is not None

    async def steps(application: FastAPI) -> None:
        application.state.resolver = resolver
        owner = Browser(application)
        await owner.sign_in(application, Subject(staff_id=row[0]))
        page = await owner.get(HOME)
        form = next(form for form in page.forms if "dominio" in form.values)
        for wrong in ("<script>", "nada", "x" * 400, "a.localhost"):
            refused = await owner.send(page, form, dominio=wrong)
            assert refused.status == 422
            assert "<script>alert" not in refused.html
            assert "No parece un dominio" in refused.text or len(wrong) > 300
        saved = await owner.send(page, form, dominio="https://Otro.com.ar/")
        assert "todavía no tiene una dirección pública" in saved.text
        assert "--domain otro.com.ar" in saved.text
        checked = await owner.send(saved, saved.form("/comprobar"))
        assert "lleva a otro lado" in checked.text
        assert "198.51.100.1" in checked.text
        gone = await owner.send(checked, form, dominio="")
        assert "198.51.100.1" not in gone.text

    use(settings, steps)


def test_a_published_business_is_told_its_records(
    tmp_path: Path, postgres_server: TestServer, resolver: Resolver
) -> None:
    with deployment(tmp_path, postgres_server, public_url=f"https://{HOST}") as settings:
        with psycopg.connect(settings.secrets.database_url, autocommit=True) as connection:
            row = connection.execute("SELECT id FROM staff_user WHERE role = 'owner'").fetchone()
        assert row is not None

        async def steps(application: FastAPI) -> None:
            application.state.resolver = resolver
            owner = Browser(application, host=HOST)
            await owner.sign_in(application, Subject(staff_id=row[0]))
            page = await owner.get(HOME)
            assert page.status == 200
            async with application.state.database.transaction() as connection:
                await service.set_domain(connection, SYSTEM_ACTOR, "turnos.barber.com.ar")
            page = await owner.get(HOME)
            assert HOST in page.html
            assert "CNAME" in page.html

        use(settings, steps)
