"""Profiles, targets and plans. Changes need a transaction; so does looking, which is logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.body_data import access
from barberpro_app.body_data.errors import consented
from barberpro_app.kit import clock
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError, NotAllowedError, NotFoundError
from barberpro_app.kit.idempotency import REFUSED
from barberpro_app.nutrition import own_foods, repository
from barberpro_app.nutrition.document import contained, days_of, written
from barberpro_app.nutrition.errors import (
    AdultsOnlyError,
    AvoidedFoodError,
    NutritionistNeededError,
    PlanChangedError,
    PlanEmptyError,
    ProfileNeededError,
    SignedAlreadyError,
)
from barberpro_app.nutrition.schemas import (
    MealPlan,
    MealPlanDraft,
    MealPlanHead,
    MealPlans,
    NutritionProfile,
    NutritionProfileDraft,
    NutritionTargets,
    PlanSignature,
)
from barberpro_app.nutrition.targets import Body, daily_targets, years_between
from barberpro_app.settings import AppConfiguration

PURPOSE: access.BodyPurpose = "nutrition_data"


async def get_profile(
    connection: Connection, actor: Actor, client_id: UUID
) -> NutritionProfile | None:
    """None if nothing was told yet. Raises as `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "nutrition_read")
    return await profile_of(connection, client_id)


async def profile_of(connection: Connection, client_id: UUID) -> NutritionProfile | None:
    """As `get_profile`, where access was asked for already."""
    row = await repository.profile(connection, client_id)
    return NutritionProfile.model_validate(row) if row else None


async def save_profile(
    connection: Connection,
    app: AppConfiguration,
    actor: Actor,
    client_id: UUID,
    draft: NutritionProfileDraft,
) -> NutritionProfile:
    """Raises `InvalidRequestError` for a birth to come, `ConsentNeededError`, as `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "nutrition_changed")
    if draft.born_on >= clock.now().astimezone(app.zone).date():
        raise InvalidRequestError("This day is yet to come.", field="born_on")
    values = draft.model_dump()
    values["avoids"] = sorted(set(draft.avoids))
    values["height_cm"], values["weight_kg"] = round(draft.height_cm, 1), round(draft.weight_kg, 1)
    with consented():
        await repository.save_profile(connection, client_id, values)
    await record(connection, actor, "nutrition_profile.saved",
                 AuditedObject("client", str(client_id)))  # fmt: skip
    saved = await profile_of(connection, client_id)
    if saved is None:
        raise NotFoundError
    return saved


def targets_of(app: AppConfiguration, profile: NutritionProfile) -> NutritionTargets:
    """Raises `AdultsOnlyError`."""
    today = clock.now().astimezone(app.zone).date()
    body = Body(
        sex=profile.sex,
        years=years_between(profile.born_on, today),
        height_cm=profile.height_cm,
        weight_kg=profile.weight_kg,
        activity=profile.activity,
        aim=profile.aim,
    )
    try:
        return NutritionTargets.model_validate(daily_targets(body), from_attributes=True)
    except ValueError as error:
        raise AdultsOnlyError from error


async def targets(
    connection: Connection, app: AppConfiguration, actor: Actor, client_id: UUID
) -> NutritionTargets:
    """Raises `ProfileNeededError`, `AdultsOnlyError`, as `access.require`."""
    profile = await get_profile(connection, actor, client_id)
    if profile is None:
        raise ProfileNeededError
    return targets_of(app, profile)


async def plans(connection: Connection, actor: Actor, client_id: UUID) -> MealPlans:
    """For the person the signed ones that go on; for who attends them all. As `access.require`."""
    await access.require(connection, actor, client_id, PURPOSE, "nutrition_read")
    rows = await repository.plans(connection, client_id, signed=actor.principal.kind == "client")
    return MealPlans(
        items=[
            MealPlanHead(
                id=row["id"],
                number=row["number"],
                title=json.loads(row["document"])["title"],
                ended=row["ended"],
                created_at=row["created_at"],
                signed_at=row["signed_at"],
            )
            for row in rows
        ]
    )


async def get_plan(connection: Connection, actor: Actor, plan_id: UUID) -> MealPlan:
    """For the person the latest signed version, else the latest. Raises `NotFoundError`, as
    `access.require`."""
    client_id = await repository.owner_of(connection, plan_id)
    if client_id is None:
        raise NotFoundError
    await access.require(connection, actor, client_id, PURPOSE, "nutrition_read")
    return await _shown(connection, plan_id, signed=actor.principal.kind == "client")


async def _shown(connection: Connection, plan_id: UUID, *, signed: bool = False) -> MealPlan:
    row = await repository.version(connection, plan_id, signed=signed)
    if row is None:
        raise NotFoundError
    return _plan(row)


async def draft_plan(
    connection: Connection, actor: Actor, client_id: UUID, draft: MealPlanDraft
) -> MealPlan:
    """A plan that the person does not see yet. By staff. Raises `FoodUnknownError`, as
    `access.require`."""
    author = _author(actor)
    await access.require(connection, actor, client_id, PURPOSE, "nutrition_changed")
    with consented():
        plan_id = await repository.add_plan(connection, client_id)
    await repository.add_version(
        connection, plan_id, 1, written(draft, await own_foods.known(connection)), author
    )
    await record(connection, actor, "nutrition_plan.drafted", _object(plan_id),
                 {"client_id": str(client_id)})  # fmt: skip
    return await _shown(connection, plan_id)


async def change_plan(
    connection: Connection, actor: Actor, plan_id: UUID, draft: MealPlanDraft, read_sha256: str
) -> MealPlan:
    """What was signed stays as it is: its change is a version that waits for a signature of its own.

    Raises `PlanChangedError`, `FoodUnknownError`, `NotFoundError`, as `access.require`.
    """
    author = _author(actor)
    row = await _locked(connection, actor, plan_id, read_sha256, "nutrition_changed")
    number = row["number"] + 1 if row["signed_at"] else row["number"]
    await repository.add_version(
        connection, plan_id, number, written(draft, await own_foods.known(connection)), author
    )
    await record(connection, actor, "nutrition_plan.changed", _object(plan_id), {"number": number})
    return await _shown(connection, plan_id)


async def sign_plan(
    connection: Connection, actor: Actor, plan_id: UUID, read_sha256: str
) -> MealPlan:
    """The nutritionist answers for this version, and the person sees it from now on.

    Raises `NutritionistNeededError`, `AvoidedFoodError`, `PlanChangedError`, `PlanEmptyError`,
    `SignedAlreadyError`, `NotFoundError`, as `access.require`.
    """
    name, provider_id = _author(actor), actor.principal.provider_id
    row = await _locked(connection, actor, plan_id, read_sha256, "nutrition_signed")
    if row["signed_at"]:
        raise SignedAlreadyError
    content = json.loads(row["document"])
    if not any(meal["items"] for day in content["days"] for meal in day["meals"]):
        raise PlanEmptyError
    profile = await profile_of(connection, row["client_id"])
    if profile is not None and not contained(content).isdisjoint(profile.avoids):
        raise AvoidedFoodError
    values = {"plan": plan_id, "number": row["number"], "sha256": row["sha256"],
              "provider": provider_id, "signer": name}  # fmt: skip
    try:
        signed = await repository.sign(connection, values)
    except psycopg.DatabaseError as error:
        if error.sqlstate != REFUSED:
            raise
        raise NutritionistNeededError from error
    if not signed:
        raise NutritionistNeededError
    await record(connection, actor, "nutrition_plan.signed", _object(plan_id),
                 {"number": row["number"], "sha256": row["sha256"]})  # fmt: skip
    return await _shown(connection, plan_id)


async def end_plan(connection: Connection, actor: Actor, plan_id: UUID) -> UUID:
    """The person sees it no more; whose it was. By staff. Raises `NotFoundError`, as
    `access.require`."""
    _author(actor)
    client_id = await repository.lock_plan(connection, plan_id)
    if client_id is None:
        raise NotFoundError
    await access.require(connection, actor, client_id, PURPOSE, "nutrition_changed")
    await repository.end_plan(connection, plan_id)
    await record(connection, actor, "nutrition_plan.ended", _object(plan_id))
    return client_id


async def _locked(
    connection: Connection, actor: Actor, plan_id: UUID, read_sha256: str, look: str
) -> dict[str, Any]:
    """The latest version, if it is the one that was read and the plan goes on."""
    client_id = await repository.lock_plan(connection, plan_id)
    if client_id is None:
        raise NotFoundError
    await access.require(connection, actor, client_id, PURPOSE, look)
    row = await repository.version(connection, plan_id, signed=False)
    if row is None or row["ended"]:
        raise NotFoundError
    if row["sha256"] != read_sha256:
        raise PlanChangedError
    return row


def _author(actor: Actor) -> str:
    """The name of the professional who writes. Raises `NotAllowedError` for anybody else."""
    if actor.principal.kind != "staff" or actor.principal.provider_id is None:
        raise NotAllowedError
    return actor.principal.name


def _plan(row: Mapping[str, Any]) -> MealPlan:
    content = json.loads(row["document"])
    signature = PlanSignature.model_validate(row) if row["signed_at"] else None
    return MealPlan(
        **{name: row[name] for name in ("id", "client_id", "number", "latest", "ended", "sha256",
                                        "author_name", "created_at")},
        title=content["title"],
        note=content["note"],
        target_kcal=content["target_kcal"],
        days=days_of(content),
        signature=signature,
    )  # fmt: skip


def _object(plan_id: UUID) -> AuditedObject:
    return AuditedObject("nutrition_plan", str(plan_id))
