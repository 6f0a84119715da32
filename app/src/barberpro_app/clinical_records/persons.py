"""What endpoints and pages of clinical data need: a signed-in person, and the keys."""

from __future__ import annotations

from fastapi import Request

from barberpro_app.clinical_records.errors import PersonNeededError
from barberpro_app.clinical_records.vault import Vault
from barberpro_app.identity.auth import Principal, require_signed_in
from barberpro_app.kit.errors import NotAllowedError


async def require_person(request: Request) -> Principal:
    """Dependency: a signed-in member of the team or client. 401 for nobody, 403 for a program."""
    principal = await require_signed_in(request)
    if principal.kind not in {"staff", "client"}:
        raise PersonNeededError
    return principal


async def require_team(request: Request) -> Principal:
    """Dependency: a signed-in member of the team."""
    principal = await require_person(request)
    if principal.kind != "staff":
        raise NotAllowedError
    return principal


def vault_of(request: Request) -> Vault:
    """The deployment's keys. Raises `NotesKeyMissingError`."""
    state = request.app.state
    if not hasattr(state, "vault"):
        state.vault = Vault.of(state.settings.secrets)
    vault: Vault = state.vault
    return vault
