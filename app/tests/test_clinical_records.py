"""Clinical records: what is written stays, only who may reads it, and every look leaves a line."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_postgres import TestServer
from support_shop import Shop, client, staff

from barberpro_app.audit.trail import Actor
from barberpro_app.clinical_records import access, service
from barberpro_app.clinical_records.chain import first_break
from barberpro_app.clinical_records.errors import (
    LevelError,
    NotYourPatientError,
    PersonNeededError,
    RetentionFloorError,
    SealBrokenError,
)
from barberpro_app.clinical_records.schemas import CorrectionDraft, EntryDraft
from barberpro_app.clinical_records.vault import DataKey, MasterKey, Vault
from barberpro_app.encrypted_notes import index
from barberpro_app.encrypted_notes import service as notes
from barberpro_app.encrypted_notes.schemas import NoteDraft, NotePatch, NoteSearch
from barberpro_app.identity.principal import Principal, staff_principal
from barberpro_app.kit.database import Connection, Database
from barberpro_app.kit.errors import NotAllowedError, NotFoundError, StaleVersionError
from barberpro_app.migrations.run import run_migrations

SECRET_WORD = "claustrofobia"


def professional(provider_id: UUID, number: int = 1, role: str = "provider") -> Actor:
    principal = staff_principal(UUID(int=1000 + number), f"Lic. {number}", role, provider_id)
    return Actor(principal, "clinical-request")


@dataclass
class Clinic:
    """A psychologist with one patient, a colleague without, and a vault."""

    shop: Shop
    connection: Connection
    vault: Vault
    patient: UUID
    hers: Actor
    colleague: Actor

    async def write(self, text: str = f"Refiere {SECRET_WORD}.") -> service.Entry:
        draft = EntryDraft(text=text)
        return await service.add_entry(self.connection, self.vault, self.hers, self.patient, draft)

    async def read(self, actor: Actor | None = None) -> service.Record:
        return await service.read_record(
            self.connection, self.vault, self.shop.app, actor or self.hers, self.patient
        )


def add_patient(shop: Shop, provider: UUID, name: str = "Ana", status: str = "confirmed") -> UUID:
    """Somebody with an appointment."""
    row = shop.rows(
        "WITH c AS (INSERT INTO client (name, email) VALUES (%s, %s) RETURNING id)"
        " INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id,"
        "  starts_at, ends_at, zone, price_centavos)"
        " SELECT new_booking_code(), %s, c.id, %s, s.id, l.id, now() + interval '1 day',"
        "  now() + interval '25 hours', l.zone, 0 FROM c, location l, service s LIMIT 1"
        " RETURNING client_id",
        name, f"{name.lower()}{uuid4().hex[:6]}@clinic.example", status, provider,
    )[0][0]  # fmt: skip
    assert isinstance(row, UUID)
    return row


def play(shop: Shop, story: Callable[[Clinic], Awaitable[None]]) -> None:
    patient = add_patient(shop, shop.providers[0])
    for number in (1, 2):
        shop.rows(
            "INSERT INTO staff_user (id, email, name, role) VALUES (%s, %s, 'Lic.', 'provider')",
            UUID(int=1000 + number), f"p{number}@clinic.example",
        )  # fmt: skip

    async def tell() -> None:
        async with shop.connection() as connection:
            await story(
                Clinic(
                    shop,
                    connection,
                    Vault(os.urandom(32)),
                    patient,
                    professional(shop.providers[0]),
                    professional(shop.providers[1], 2),
                )
            )

    asyncio.run(tell())


def test_what_is_written_is_sealed_chained_and_logged(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        first = await clinic.write()
        second = await clinic.write("Segunda sesión.")
        record = await clinic.read()
        assert [entry.text for entry in record.entries] == [first.text, second.text]
        assert record.intact
        assert record.entries[1].hash == second.hash
        stored = shop.rows("SELECT row_to_json(e)::text FROM clinical_entry e")
        trail = shop.rows("SELECT row_to_json(a)::text FROM audit_event a")
        sealed = shop.rows("SELECT encode(sealed, 'escape') FROM clinical_entry")
        assert SECRET_WORD not in str([*stored, *trail, *sealed])
        log = await service.access_log(clinic.connection, client(clinic.patient), clinic.patient)
        assert {item.purpose for item in log.items} >= {"entry_added", "record_read", "log_read"}
        assert log.items[-1].actor_name == "Lic. 1"

    play(shop, story)


def test_a_correction_keeps_the_old_text(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        wrong = await clinic.write("Alérgico a la amoxicilina")
        draft = CorrectionDraft(text="Alérgico a la dipirona", reason="Confundí el medicamento")
        await service.correct_entry(
            clinic.connection, clinic.vault, clinic.hers, clinic.patient, wrong.id, draft
        )
        record = await clinic.read()
        assert [entry.text for entry in record.entries] == [wrong.text, draft.text]
        assert record.entries[0].corrected_by == [record.entries[1].id]
        assert record.entries[1].reason == draft.reason
        stranger = add_patient(shop, shop.providers[0], "Beto")
        with pytest.raises(NotFoundError):
            await service.correct_entry(
                clinic.connection, clinic.vault, clinic.hers, stranger, wrong.id, draft
            )

    play(shop, story)


def test_a_change_in_the_database_shows(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        for number in range(3):
            await clinic.write(f"Sesión {number}")
        shop.rows("ALTER TABLE clinical_entry DISABLE TRIGGER ALL")
        shop.rows("UPDATE clinical_entry SET author_name = 'Otra' WHERE number = 2")
        record = await clinic.read()
        assert (record.intact, record.first_break) == (False, 2)
        rows = shop.rows("SELECT 1 FROM clinical_entry")
        assert len(rows) == 3
        assert first_break(clinic.patient, []) is None

    play(shop, story)


def test_not_even_the_owner_of_the_tables_changes_or_removes_an_entry(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        await clinic.write()
        for statement in (
            "UPDATE clinical_entry SET author_name = 'x'",
            "DELETE FROM clinical_entry",
            "TRUNCATE clinical_entry CASCADE",
            "UPDATE clinical_access SET actor_name = 'x'",
            "DELETE FROM clinical_access",
            "DELETE FROM clinical_emergency",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                shop.rows(statement)

    play(shop, story)


@pytest.fixture
def app_role(postgres_server: TestServer, database_url: str) -> Iterator[str]:
    role = f"clinic_{uuid4().hex[:8]}"
    postgres_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    url = psycopg.conninfo.make_conninfo(database_url, user=role, password="x")
    run_migrations(database_url, url)
    yield url
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
    postgres_server.execute(f"DROP ROLE {role}")


def test_the_apps_role_adds_through_the_function_alone(app_role: str) -> None:
    async def story() -> None:
        database = Database(app_role)
        await database.open()
        async with database.connection() as connection:
            for statement in (
                "INSERT INTO clinical_entry SELECT * FROM clinical_entry",
                "UPDATE clinical_entry SET number = 1",
                "DELETE FROM clinical_entry",
                "UPDATE clinical_access SET reason = ''",
                "DELETE FROM clinical_emergency",
                "DELETE FROM sealed_key",
                "DELETE FROM consent",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(statement.encode())
            who = await (
                await connection.execute("INSERT INTO client (name) VALUES ('A') RETURNING id")
            ).fetchone()
            assert who is not None
            entry = {"id": str(uuid4()), "client_id": str(who["id"]), "kind": "evolution",
                     "author_id": str(uuid4()), "author_name": "A", "author_licence": "",
                     "happened_at": datetime.now(UTC).isoformat()}  # fmt: skip
            made = await connection.execute(
                "SELECT number FROM clinical_append(jsonb_build_object('kind', 'system'), %s::jsonb, %s)",
                (json.dumps(entry), b"x" * 40),
            )
            assert await made.fetchone() == {"number": 1}
        await database.close()

    asyncio.run(story())


def test_who_may_read(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        await clinic.write()
        assert (await clinic.read(client(clinic.patient))).level == "read"
        cases: list[tuple[Actor, type[Exception]]] = [
            (clinic.colleague, NotYourPatientError),
            (staff("owner"), NotFoundError),
            (staff("manager"), NotFoundError),
            (staff("reception"), NotFoundError),
            (client(UUID(int=3)), NotFoundError),
            (Actor(Principal("api", "p", "program")), PersonNeededError),
            (Actor(), PersonNeededError),
            (Actor(Principal("anonymous")), PersonNeededError),
        ]
        for actor, error in cases:
            with pytest.raises(error):
                await clinic.read(actor)
        with pytest.raises(LevelError):
            await service.add_entry(
                clinic.connection, clinic.vault, client(clinic.patient), clinic.patient,
                EntryDraft(text="yo"),
            )  # fmt: skip
        looks = shop.rows("SELECT DISTINCT actor_name FROM clinical_access")
        assert set(looks) == {("Lic. 1",), ("",)}

    play(shop, story)


def test_three_levels_by_grant(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        entry = await clinic.write()
        draft = CorrectionDraft(text="Corregido", reason="Porque estaba mal")
        owner = staff("owner")

        async def grant(level: str) -> None:
            await access.set_grant(
                clinic.connection, owner, UUID(clinic.colleague.principal.id), level,
                all_patients=True,
            )  # fmt: skip

        async def correct() -> None:
            await service.correct_entry(
                clinic.connection, clinic.vault, clinic.colleague, clinic.patient, entry.id, draft
            )

        async def add() -> None:
            await service.add_entry(
                clinic.connection, clinic.vault, clinic.colleague, clinic.patient,
                EntryDraft(text="Interconsulta"),
            )  # fmt: skip

        await grant("read")
        assert (await clinic.read(clinic.colleague)).level == "read"
        with pytest.raises(LevelError):
            await add()
        await grant("add")
        await add()
        with pytest.raises(LevelError):
            await correct()
        await grant("correct")
        await correct()
        await grant("none")
        with pytest.raises(NotYourPatientError):
            await clinic.read(clinic.colleague)
        with pytest.raises(NotAllowedError):
            await access.set_grant(
                clinic.connection, clinic.hers, UUID(int=1001), "correct", all_patients=True
            )
        assert shop.rows(
            "SELECT count(*) FROM audit_event WHERE action = 'clinical_grant.set'"
        ) == [(4,)]

    play(shop, story)


def test_an_entry_by_exception_is_for_an_hour_and_never_silent(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        await clinic.write()
        reason = "Guardia: el paciente llegó descompensado"
        opened = await access.enter_by_exception(
            clinic.connection, clinic.colleague, clinic.patient, reason
        )
        assert opened.emergency_until is not None
        assert opened.emergency_until < datetime.now(UTC) + timedelta(minutes=61)
        assert (await clinic.read(clinic.colleague)).emergency_until is not None
        log = await service.access_log(clinic.connection, client(clinic.patient), clinic.patient)
        assert reason in {item.reason for item in log.items}
        assert shop.rows(
            "SELECT object_id FROM audit_event WHERE action = 'clinical_record.emergency_entered'"
        ) == [(str(clinic.patient),)]
        for actor in (staff("reception"), staff("owner"), client(clinic.patient)):
            with pytest.raises(NotAllowedError):
                await access.enter_by_exception(clinic.connection, actor, clinic.patient, reason)
        shop.rows("ALTER TABLE clinical_emergency DISABLE TRIGGER ALL")
        shop.rows(
            "UPDATE clinical_emergency SET at = at - interval '2 h', until = until - interval '2 h'"
        )
        with pytest.raises(NotYourPatientError):
            await clinic.read(clinic.colleague)

    play(shop, story)


@pytest.mark.parametrize(
    ("last", "years", "until"),
    [
        (datetime(2026, 11, 24, 3, tzinfo=UTC), 10, date(2036, 11, 25)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), 10, date(2034, 3, 2)),
        (datetime(2024, 12, 31, 23, tzinfo=UTC), 12, date(2037, 1, 1)),
    ],
)
def test_the_floor_is_whole_years_after_the_last_entry(
    last: datetime, years: int, until: date
) -> None:
    assert service.keep_until(last, years) == until


def test_a_record_is_destroyed_only_after_its_time(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        await clinic.write()
        owner = staff("owner")
        with pytest.raises(RetentionFloorError):
            await service.destroy_record(clinic.connection, shop.app, owner, clinic.patient)
        with pytest.raises(NotAllowedError):
            await service.destroy_record(clinic.connection, shop.app, clinic.hers, clinic.patient)
        shop.rows("ALTER TABLE clinical_entry DISABLE TRIGGER ALL")
        shop.rows("UPDATE clinical_entry SET written_at = written_at - interval '10 years 2 days'")
        assert await service.destroy_record(clinic.connection, shop.app, owner, clinic.patient)
        assert (await clinic.read()).entries[0].text == ""
        await clinic.write("Vuelve después de diez años")
        assert [entry.text for entry in (await clinic.read()).entries] == [
            "", "Vuelve después de diez años",
        ]  # fmt: skip

    play(shop, story)


def test_the_patients_copy_has_everything(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        await clinic.write()
        copy = await service.export_record(
            clinic.connection, clinic.vault, shop.app, client(clinic.patient), clinic.patient
        )
        assert SECRET_WORD in copy.model_dump_json()
        assert {item.purpose for item in copy.accesses} == {"entry_added", "record_exported"}

    play(shop, story)


ROWS = st.uuids()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), ROWS, ROWS, ROWS, st.integers(0, 400), st.integers(1, 255))
def test_a_seal_opens_for_its_row_and_patient_and_for_nothing_else(
    text: str, patient: UUID, row: UUID, other: UUID, at: int, flip: int
) -> None:
    text = text.encode("utf-8", "replace").decode()
    key = DataKey(b"k" * 32, patient, datetime.now(UTC))
    sealed = key.seal(text, "note", row)
    assert key.open(sealed, "note", row) == text
    assert key.seal(text, "note", row) != sealed
    changed = bytearray(sealed)
    changed[at % len(sealed)] ^= flip
    attempts = [(bytes(changed), key, "note", row), (sealed, key, "entry", row),
                (sealed[:-1], key, "note", row), (b"", key, "note", row)]  # fmt: skip
    if other != row:
        attempts.append((sealed, key, "note", other))
    if other != patient:
        swapped = DataKey(b"k" * 32, other, datetime.now(UTC))
        attempts.append((sealed, swapped, "note", row))
    for content, opener, purpose, place in attempts:
        with pytest.raises(SealBrokenError):
            opener.open(content, purpose, place)


@settings(max_examples=30, deadline=None)
@given(ROWS, ROWS)
def test_a_wrapped_key_is_one_patients(patient: UUID, other: UUID) -> None:
    master, key = MasterKey(b"m" * 32), os.urandom(32)
    wrapped = master.wrap(key, "patient", patient)
    assert len(wrapped) == 60
    assert master.unwrap(wrapped, "patient", patient) == key
    with pytest.raises(SealBrokenError):
        master.unwrap(wrapped, "author", patient)
    if other != patient:
        with pytest.raises(SealBrokenError):
            master.unwrap(wrapped, "patient", other)


def test_the_master_key_is_changed_while_everything_can_be_read(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        old, new = os.urandom(32), os.urandom(32)
        clinic.vault = Vault(old)
        await clinic.write()
        clinic.vault = Vault(new, old)
        assert SECRET_WORD in (await clinic.read()).entries[0].text
        assert await clinic.vault.rotate(clinic.connection) == 1
        assert await clinic.vault.rotate(clinic.connection) == 0
        clinic.vault = Vault(new)
        assert SECRET_WORD in (await clinic.read()).entries[0].text
        for stranger in (Vault(old), Vault(os.urandom(32))):
            clinic.vault = stranger
            with pytest.raises(SealBrokenError):
                await clinic.read()
            with pytest.raises(SealBrokenError):
                await stranger.rotate(clinic.connection)

    play(shop, story)


def test_notes_are_the_authors_alone(shop: Shop) -> None:
    async def story(clinic: Clinic) -> None:
        connection, vault = clinic.connection, clinic.vault
        shop.rows("UPDATE booking SET status = 'completed'")
        note = await notes.add_note(
            connection, vault, clinic.hers, clinic.patient,
            NoteDraft(text=f"Hipótesis: {SECRET_WORD} desde la niñez"),
        )  # fmt: skip
        await access.set_grant(
            connection, staff("owner"), UUID(clinic.colleague.principal.id), "correct",
            all_patients=True,
        )  # fmt: skip
        for query in (SECRET_WORD, "CLAUSTROFOBIA", "hipotesis NINEZ"):
            found = await notes.search_notes(
                connection, vault, clinic.hers, NoteSearch(words=query)
            )
            assert [item.id for item in found.items] == [note.id]
            theirs = await notes.search_notes(
                connection, vault, clinic.colleague, NoteSearch(words=query)
            )
            assert theirs.items == []
        nothing = await notes.search_notes(
            connection, vault, clinic.hers, NoteSearch(words="claustro")
        )
        assert nothing.items == []
        assert (
            await notes.list_notes(connection, vault, clinic.colleague, clinic.patient)
        ).items == []
        for act in (
            notes.get_note(connection, vault, clinic.colleague, note.id),
            notes.change_note(connection, vault, clinic.colleague, note.id,
                              NotePatch(text="mío", version=1)),
            notes.remove_note(connection, clinic.colleague, note.id),
        ):  # fmt: skip
            with pytest.raises(NotFoundError):
                await act
        with pytest.raises(NotAllowedError):
            await notes.list_notes(connection, vault, client(clinic.patient), clinic.patient)
        with pytest.raises(StaleVersionError):
            await notes.change_note(
                connection, vault, clinic.hers, note.id, NotePatch(text="otra", version=9)
            )
        changed = await notes.change_note(
            connection, vault, clinic.hers, note.id, NotePatch(text="Sin hipótesis", version=1)
        )
        assert changed.version == 2
        gone = await notes.search_notes(
            connection, vault, clinic.hers, NoteSearch(words=SECRET_WORD)
        )
        assert gone.items == []
        everything = shop.rows("SELECT row_to_json(n)::text FROM encrypted_note n")
        everything += shop.rows("SELECT row_to_json(a)::text FROM audit_event a")
        assert "hipótesis" not in str(everything).lower()

    play(shop, story)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_a_text_is_found_by_each_of_its_words_and_tokens_differ_by_author(text: str) -> None:
    ours, theirs = index.tokens(b"a" * 32, text), index.tokens(b"b" * 32, text)
    for word in index.words(text):
        assert set(index.tokens(b"a" * 32, word)) <= set(ours)
    assert not set(ours) & set(theirs)
    assert len(ours) == len(set(ours))
