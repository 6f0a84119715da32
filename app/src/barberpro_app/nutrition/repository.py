"""SQL of nutrition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from barberpro_app.kit.database import Connection

Row = dict[str, Any]

_VERSION = """
SELECT * FROM nutrition_document WHERE id = %(plan)s AND CASE WHEN %(signed)s
    THEN signed_at IS NOT NULL AND NOT ended ELSE number = latest END
ORDER BY number DESC LIMIT 1
"""
_PLANS = """
SELECT * FROM (
    SELECT DISTINCT ON (id) * FROM nutrition_document WHERE client_id = %(client)s
        AND CASE WHEN %(signed)s THEN signed_at IS NOT NULL AND NOT ended ELSE number = latest END
    ORDER BY id, number DESC
) p ORDER BY ended, created_at DESC, id LIMIT 100
"""
_NUTRITIONISTS = """
SELECT n.provider_id, p.name, n.licence_number, n.jurisdiction, n.valid_until, n.entered_by,
       nutrition_may_sign(n.provider_id) AS may_sign
FROM nutritionist n JOIN provider p ON p.id = n.provider_id
WHERE (%(provider)s::uuid IS NULL OR n.provider_id = %(provider)s) ORDER BY p.name, p.id
"""


async def own_foods(connection: Connection) -> list[Row]:
    """What nutritionists of this business entered, also what is offered no more."""
    cursor = await connection.execute(
        "SELECT id, name, kcal, protein_g, carbohydrate_g, fat_g, fibre_g, contains, source, active"
        " FROM own_food ORDER BY lower(name), id"
    )
    return await cursor.fetchall()


async def add_food(connection: Connection, values: Mapping[str, Any]) -> Row:
    cursor = await connection.execute(
        "INSERT INTO own_food (name, kcal, protein_g, carbohydrate_g, fat_g, fibre_g, contains,"
        " source, entered_by) VALUES (%(name)s, %(kcal)s, %(protein_g)s, %(carbohydrate_g)s,"
        " %(fat_g)s, %(fibre_g)s, %(contains)s, %(source)s, %(by)s) RETURNING *",
        values,
    )
    row = await cursor.fetchone()
    assert row is not None
    return row


async def end_food(connection: Connection, food_id: UUID) -> bool:
    cursor = await connection.execute(
        "UPDATE own_food SET active = false WHERE id = %s AND active", (food_id,)
    )
    return cursor.rowcount == 1


async def profile(connection: Connection, client_id: UUID) -> Row | None:
    cursor = await connection.execute(
        "SELECT born_on, sex, height_cm, weight_kg, activity, aim, avoids, note, updated_at"
        " FROM nutrition_profile WHERE client_id = %s",
        (client_id,),
    )
    return await cursor.fetchone()


async def save_profile(connection: Connection, client_id: UUID, values: Mapping[str, Any]) -> None:
    await connection.execute(
        "INSERT INTO nutrition_profile (client_id, born_on, sex, height_cm, weight_kg, activity, aim,"
        " avoids, note) VALUES (%(client)s, %(born_on)s, %(sex)s, %(height_cm)s, %(weight_kg)s,"
        " %(activity)s, %(aim)s, %(avoids)s, %(note)s) ON CONFLICT (client_id) DO UPDATE SET"
        " born_on = excluded.born_on, sex = excluded.sex, height_cm = excluded.height_cm,"
        " weight_kg = excluded.weight_kg, activity = excluded.activity, aim = excluded.aim,"
        " avoids = excluded.avoids, note = excluded.note, updated_at = now()",
        {**values, "client": client_id},
    )


async def add_plan(connection: Connection, client_id: UUID) -> UUID:
    cursor = await connection.execute(
        "INSERT INTO nutrition_plan (client_id) VALUES (%s) RETURNING id", (client_id,)
    )
    row = await cursor.fetchone()
    assert row is not None
    plan_id: UUID = row["id"]
    return plan_id


async def add_version(
    connection: Connection, plan_id: UUID, number: int, document: str, author: str
) -> None:
    """As the latest; a version of this number that nobody signed gives way to it."""
    await connection.execute(
        "DELETE FROM nutrition_version v WHERE plan_id = %s AND number = %s AND NOT EXISTS"
        " (SELECT FROM nutrition_signature s WHERE s.plan_id = v.plan_id AND s.number = v.number)",
        (plan_id, number),
    )
    await connection.execute(
        "INSERT INTO nutrition_version (plan_id, number, document, sha256, author_name)"
        " VALUES (%(plan)s, %(number)s, %(document)s,"
        " sha256(convert_to(%(document)s, 'UTF8')), %(author)s)",
        {"plan": plan_id, "number": number, "document": document, "author": author},
    )
    await connection.execute(
        "UPDATE nutrition_plan SET latest = %s WHERE id = %s", (number, plan_id)
    )


async def lock_plan(connection: Connection, plan_id: UUID) -> UUID | None:
    """Whose it is; None if there is none. Changes of one plan wait for each other."""
    cursor = await connection.execute(
        "SELECT client_id FROM nutrition_plan WHERE id = %s FOR UPDATE", (plan_id,)
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def owner_of(connection: Connection, plan_id: UUID) -> UUID | None:
    cursor = await connection.execute(
        "SELECT client_id FROM nutrition_plan WHERE id = %s", (plan_id,)
    )
    row = await cursor.fetchone()
    return row["client_id"] if row else None


async def version(connection: Connection, plan_id: UUID, *, signed: bool) -> Row | None:
    """The latest version; with `signed`, the latest signed one of a plan that goes on."""
    return await (
        await connection.execute(_VERSION, {"plan": plan_id, "signed": signed})
    ).fetchone()


async def plans(connection: Connection, client_id: UUID, *, signed: bool) -> list[Row]:
    """As `version`, of each plan, newest first."""
    return await (
        await connection.execute(_PLANS, {"client": client_id, "signed": signed})
    ).fetchall()


async def sign(connection: Connection, values: Mapping[str, Any]) -> bool:
    """False if it is signed already. The database checks who signs."""
    cursor = await connection.execute(
        "INSERT INTO nutrition_signature (plan_id, number, sha256, provider_id, signer_name,"
        " licence_number, jurisdiction) SELECT %(plan)s, %(number)s, decode(%(sha256)s, 'hex'),"
        " n.provider_id, %(signer)s, n.licence_number, n.jurisdiction FROM nutritionist n"
        " WHERE n.provider_id = %(provider)s ON CONFLICT DO NOTHING",
        values,
    )
    return cursor.rowcount == 1


async def end_plan(connection: Connection, plan_id: UUID) -> None:
    await connection.execute("UPDATE nutrition_plan SET ended = true WHERE id = %s", (plan_id,))


async def nutritionists(connection: Connection, provider_id: UUID | None = None) -> list[Row]:
    return await (await connection.execute(_NUTRITIONISTS, {"provider": provider_id})).fetchall()


async def save_nutritionist(
    connection: Connection, provider_id: UUID, values: Mapping[str, Any]
) -> bool:
    """False if there is no such provider."""
    cursor = await connection.execute(
        "INSERT INTO nutritionist (provider_id, licence_number, jurisdiction, valid_until, entered_by)"
        " SELECT id, %(licence_number)s, %(jurisdiction)s, %(valid_until)s, %(by)s FROM provider"
        " WHERE id = %(provider)s ON CONFLICT (provider_id) DO UPDATE SET"
        " licence_number = excluded.licence_number, jurisdiction = excluded.jurisdiction,"
        " valid_until = excluded.valid_until, entered_by = excluded.entered_by, entered_at = now()",
        {**values, "provider": provider_id},
    )
    return cursor.rowcount == 1


async def remove_nutritionist(connection: Connection, provider_id: UUID) -> bool:
    cursor = await connection.execute(
        "DELETE FROM nutritionist WHERE provider_id = %s", (provider_id,)
    )
    return cursor.rowcount == 1
