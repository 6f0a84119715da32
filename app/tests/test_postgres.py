"""The database that the app stands on has what booking needs."""

import psycopg
import pytest


def test_the_database_refuses_an_overlap(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute(
            "CREATE TABLE o (r uuid, p tstzrange, EXCLUDE USING gist (r WITH =, p WITH &&))"
        )
        insert = (
            "INSERT INTO o VALUES ('00000000-0000-0000-0000-000000000001',"
            " tstzrange('2026-01-01 10:00Z', '2026-01-01 11:00Z'))"
        )
        connection.execute(insert)
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute(insert)
