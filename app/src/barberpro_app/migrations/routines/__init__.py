"""What the database does by itself, as this release wants it: functions, views, triggers.

Tables have a history, one revision after the other; routines have none: each file here is the whole
of its subject, written with `CREATE OR REPLACE`, and all of them are run after the revisions whenever
one has changed. A function whose arguments or result change is dropped by a revision first. A change
that new code needs comes with a revision, be it an empty one, so that `/ready` knows of it.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import psycopg


def apply_routines(connection: psycopg.Connection) -> bool:
    """Runs all files in order of name in the connection's transaction; false if nothing changed."""
    scripts = sorted(
        (entry.name, entry.read_text(encoding="utf-8"))
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".sql")
    )
    checksum = hashlib.sha256(repr(scripts).encode()).hexdigest()
    connection.execute("CREATE TABLE IF NOT EXISTS routine_release (checksum text NOT NULL)")
    found = connection.execute("SELECT checksum FROM routine_release").fetchone()
    if found == (checksum,):
        return False
    # a function may use another of a later file
    connection.execute("SET LOCAL check_function_bodies = off")
    for _, script in scripts:
        connection.execute(script.encode())
    connection.execute("DELETE FROM routine_release")
    connection.execute("INSERT INTO routine_release VALUES (%s)", (checksum,))
    return True
