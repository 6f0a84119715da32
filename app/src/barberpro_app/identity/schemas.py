"""What staff users and the signed-in principal look like to callers of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from barberpro_app.identity.principal import Principal
from barberpro_app.identity.staff import StaffUser
from barberpro_app.kit.schemas import Answer, Email, Name, Request, Version

Role = Literal["owner", "manager", "provider", "reception"]


class Staff(Answer):
    """A person who works here."""

    id: UUID
    email: str
    name: str
    role: Role
    provider_id: UUID | None = Field(description="The provider that this person is, if any")
    active: bool
    version: int
    created_at: datetime

    @classmethod
    def of(cls, user: StaffUser) -> Staff:
        return cls.model_validate(user, from_attributes=True)


class StaffPage(Answer):
    """Everybody, by name; no longer active ones last."""

    items: list[Staff]


class StaffRequest(Request):
    """A new staff user."""

    email: Email
    name: Name
    role: Role
    provider_id: UUID | None = None


class StaffPatch(Request):
    """Only what is given changes; null takes `provider_id` away. `version` guards against a race."""

    email: Email | None = None
    name: Name | None = None
    role: Role | None = None
    provider_id: UUID | None = None
    active: bool | None = None
    version: Version | None = None

    @model_validator(mode="after")
    def _something(self) -> StaffPatch:
        if not self.model_fields_set - {"version"}:
            raise ValueError("nothing to change")
        for name in ("email", "name", "role", "active"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self

    def changes(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.model_fields_set if name != "version"}


class Me(Answer):
    """Who the token or the session stands for."""

    kind: Literal["client", "staff", "api", "anonymous"]
    id: str
    name: str
    roles: list[str]
    scopes: list[str]
    provider_id: UUID | None
    client_id: UUID | None

    @classmethod
    def of(cls, principal: Principal) -> Me:
        return cls.model_validate(
            {
                "kind": principal.kind,
                "id": principal.id,
                "name": principal.name,
                "roles": sorted(principal.roles),
                "scopes": sorted(principal.scopes),
                "provider_id": principal.provider_id,
                "client_id": principal.client_id,
            }
        )
