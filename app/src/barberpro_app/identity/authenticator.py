"""Turns credentials of a request into a principal; at `app.state.authenticator`."""

from __future__ import annotations

from barberpro_app.identity.principal import Principal
from barberpro_app.identity.service import session_principal
from barberpro_app.identity.tokens import AccessTokens
from barberpro_app.kit.database import Database


class DatabaseAuthenticator:
    """Tokens by their signature, sessions by one query on the primary key."""

    def __init__(self, database: Database, tokens: AccessTokens, *, sensitive: bool) -> None:
        self._database = database
        self._tokens = tokens
        self._sensitive = sensitive

    def principal_of_token(self, token: str) -> Principal:
        return self._tokens.principal(token)

    async def principal_of_session(self, cookie: str) -> Principal:
        async with self._database.connection() as connection:
            return await session_principal(connection, cookie, sensitive=self._sensitive)
