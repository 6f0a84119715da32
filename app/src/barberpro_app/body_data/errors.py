"""Refusals of body data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from barberpro_app.kit.errors import ConflictError, NotAllowedError
from barberpro_app.kit.idempotency import REFUSED


class ConsentNeededError(ConflictError):
    """The person has not agreed that these data are kept."""

    code = "consent_needed"


class NotSharedError(NotAllowedError):
    """This person does not share these data with those who attend them."""

    code = "not_shared"


@contextmanager
def consented() -> Iterator[None]:
    """Turns the database's refusal to keep data without consent into `ConsentNeededError`."""
    try:
        yield
    except psycopg.DatabaseError as error:
        if error.sqlstate == REFUSED and error.diag.message_primary == ConsentNeededError.code:
            raise ConsentNeededError from error
        raise
