"""SQL of the brand."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from barberpro_app.brand.images import Picture
from barberpro_app.kit.database import Connection

_CURRENT = """
SELECT coalesce((SELECT value FROM settings_value WHERE key = 'brand'), '{}') AS value,
       coalesce((SELECT version FROM settings_value WHERE key = 'brand'), 0) AS version,
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'width', width,
                     'height', height) ORDER BY kind) FROM brand_image), '[]') AS images
"""


async def current(connection: Connection) -> dict[str, Any]:
    """The owner's values, their version, and the pictures without their content."""
    row = await (await connection.execute(_CURRENT)).fetchone()
    assert row is not None
    return row


async def change(connection: Connection, values: dict[str, str], version: int) -> bool:
    """Writes over the values that were read at `version`; whether that was the current one."""
    if version == 0:
        cursor = await connection.execute(
            "INSERT INTO settings_value (key, value) VALUES ('brand', %s) ON CONFLICT DO NOTHING",
            (Jsonb(values),),
        )
    else:
        cursor = await connection.execute(
            "UPDATE settings_value SET value = value || %s, version = version + 1,"
            " updated_at = now() WHERE key = 'brand' AND version = %s",
            (Jsonb(values), version),
        )
    return cursor.rowcount == 1


async def touch(connection: Connection) -> None:
    """Counts the version up, so that every process sees the new pictures."""
    await connection.execute(
        "INSERT INTO settings_value (key, value) VALUES ('brand', '{}') ON CONFLICT (key) DO UPDATE"
        " SET version = settings_value.version + 1, updated_at = now()"
    )


async def keep(connection: Connection, picture: Picture) -> None:
    await connection.execute(
        "INSERT INTO brand_image (kind, name, width, height, content) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (kind) DO UPDATE SET name = excluded.name, width = excluded.width,"
        " height = excluded.height, content = excluded.content, updated_at = now()",
        (picture.kind, picture.name, picture.width, picture.height, picture.content),
    )


async def remove_images(connection: Connection) -> int:
    return (await connection.execute("DELETE FROM brand_image")).rowcount


async def image(connection: Connection, name: str) -> bytes | None:
    cursor = await connection.execute(
        "SELECT content FROM brand_image WHERE name = %s LIMIT 1", (name,)
    )
    row = await cursor.fetchone()
    return bytes(row["content"]) if row else None
