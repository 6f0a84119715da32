"""The JSON API of nutrition: for signed-in people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from barberpro_app.clinical_records.persons import require_person, require_team
from barberpro_app.edge import (
    API,
    READING,
    WRITING,
    actor_of,
    answer,
    configuration_of,
    database_of,
    no_content,
    problems,
)
from barberpro_app.identity.principal import Principal
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.schemas import Line, Locale
from barberpro_app.nutrition import foods, licences, own_foods, service
from barberpro_app.nutrition.schemas import (
    FoodDraft,
    FoodList,
    FoodShown,
    FoodSource,
    MealPlan,
    MealPlanChange,
    MealPlanDraft,
    MealPlans,
    Nutritionist,
    NutritionistDraft,
    Nutritionists,
    NutritionProfile,
    NutritionProfileDraft,
    NutritionTargets,
    SignRequest,
)

router = APIRouter(prefix=API, tags=["nutrition"])

Person = Annotated[Principal, Depends(require_person)]
Member = Annotated[Principal, Depends(require_team)]


@router.get("/foods", response_model=FoodList, responses=READING)
async def food_list(
    request: Request,
    _principal: Person,
    q: Annotated[Line, Query(max_length=80)] = "",
    locale: Annotated[Locale, Query()] = "es-AR",
) -> Response:
    """The table of foods and those of the business, with their sources."""
    async with database_of(request).connection() as connection:
        every = await own_foods.offered(connection)
    found = [FoodShown.model_validate(asdict(food)) for food in foods.search(every, q, locale)]
    sources = [
        FoodSource(key=key, name=name, licence=terms)
        for key, (name, terms) in foods.SOURCES.items()
    ]
    return answer(FoodList(items=found, sources=sources))


@router.post("/foods", response_model=FoodShown, status_code=201, responses=WRITING)
async def add_food(request: Request, draft: FoodDraft, principal: Member) -> Response:
    """A food of your own, as a nutritionist."""
    async with database_of(request).transaction() as connection:
        made = await own_foods.add(connection, actor_of(request, principal), draft)
    return answer(FoodShown.model_validate(asdict(made)), 201)


@router.delete("/foods/{food_id}", status_code=204, responses=WRITING)
async def end_food(request: Request, food_id: UUID, principal: Member) -> Response:
    """Offer a food of your own no more (`food_id`: its key without `own-`)."""
    async with database_of(request).transaction() as connection:
        await own_foods.end(connection, actor_of(request, principal), food_id)
    return no_content()


@router.get(
    "/clients/{client_id}/nutrition-profile", response_model=NutritionProfile, responses=READING
)
async def get_profile(request: Request, client_id: UUID, principal: Person) -> Response:
    """What a person told for the plan."""
    async with database_of(request).transaction() as connection:
        found = await service.get_profile(connection, actor_of(request, principal), client_id)
    if found is None:
        raise NotFoundError
    return answer(found)


@router.put(
    "/clients/{client_id}/nutrition-profile", response_model=NutritionProfile, responses=WRITING
)
async def save_profile(
    request: Request, client_id: UUID, draft: NutritionProfileDraft, principal: Person
) -> Response:
    """Tell, or change, what a plan is made from."""
    async with database_of(request).transaction() as connection:
        saved = await service.save_profile(
            connection, configuration_of(request), actor_of(request, principal), client_id, draft
        )
    return answer(saved)


@router.get(
    "/clients/{client_id}/nutrition-targets",
    response_model=NutritionTargets,
    responses=problems(401, 403, 404, 409),
)
async def targets(request: Request, client_id: UUID, principal: Person) -> Response:
    """A proposal for an adult's day, by Mifflin and St Jeor."""
    async with database_of(request).transaction() as connection:
        found = await service.targets(
            connection, configuration_of(request), actor_of(request, principal), client_id
        )
    return answer(found)


@router.get("/clients/{client_id}/nutrition-plans", response_model=MealPlans, responses=READING)
async def plans(request: Request, client_id: UUID, principal: Person) -> Response:
    """A person's plans; the person sees the signed ones."""
    async with database_of(request).transaction() as connection:
        return answer(await service.plans(connection, actor_of(request, principal), client_id))


@router.post(
    "/clients/{client_id}/nutrition-plans",
    response_model=MealPlan,
    status_code=201,
    responses=WRITING,
)
async def draft_plan(
    request: Request, client_id: UUID, draft: MealPlanDraft, principal: Member
) -> Response:
    """A plan; the person does not see it before it is signed."""
    async with database_of(request).transaction() as connection:
        made = await service.draft_plan(connection, actor_of(request, principal), client_id, draft)
    return answer(made, 201)


@router.get("/nutrition-plans/{plan_id}", response_model=MealPlan, responses=READING)
async def get_plan(request: Request, plan_id: UUID, principal: Person) -> Response:
    """A plan's latest version; for the person the latest signed one."""
    async with database_of(request).transaction() as connection:
        return answer(await service.get_plan(connection, actor_of(request, principal), plan_id))


@router.put("/nutrition-plans/{plan_id}", response_model=MealPlan, responses=WRITING)
async def change_plan(
    request: Request, plan_id: UUID, change: MealPlanChange, principal: Member
) -> Response:
    """Change a plan; what was signed stays, and the change waits for a signature of its own."""
    async with database_of(request).transaction() as connection:
        made = await service.change_plan(
            connection, actor_of(request, principal), plan_id, change, change.read_sha256
        )
    return answer(made)


@router.post("/nutrition-plans/{plan_id}/signature", response_model=MealPlan, responses=WRITING)
async def sign_plan(
    request: Request, plan_id: UUID, wish: SignRequest, principal: Member
) -> Response:
    """Sign the version that you read, as a licensed nutritionist."""
    async with database_of(request).transaction() as connection:
        done = await service.sign_plan(
            connection, actor_of(request, principal), plan_id, wish.sha256
        )
    return answer(done)


@router.delete("/nutrition-plans/{plan_id}", status_code=204, responses=WRITING)
async def end_plan(request: Request, plan_id: UUID, principal: Member) -> Response:
    """End a plan; the person sees it no more."""
    async with database_of(request).transaction() as connection:
        await service.end_plan(connection, actor_of(request, principal), plan_id)
    return no_content()


@router.get("/nutritionists", response_model=Nutritionists, responses=READING)
async def nutritionists(request: Request, _principal: Member) -> Response:
    """Who may sign plans."""
    async with database_of(request).connection() as connection:
        return answer(await licences.nutritionists(connection))


@router.put("/providers/{provider_id}/nutritionist", response_model=Nutritionist, responses=WRITING)
async def enter(
    request: Request, provider_id: UUID, draft: NutritionistDraft, principal: Member
) -> Response:
    """Enter the licence of a nutritionist, which you saw."""
    async with database_of(request).transaction() as connection:
        saved = await licences.enter(connection, actor_of(request, principal), provider_id, draft)
    return answer(saved)


@router.delete("/providers/{provider_id}/nutritionist", status_code=204, responses=WRITING)
async def remove(request: Request, provider_id: UUID, principal: Member) -> Response:
    """Take a licence out; what was signed stays signed."""
    async with database_of(request).transaction() as connection:
        await licences.remove(connection, actor_of(request, principal), provider_id)
    return no_content()
