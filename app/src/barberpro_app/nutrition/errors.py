"""Refusals of nutrition."""

from __future__ import annotations

from barberpro_app.kit.errors import ConflictError, InvalidRequestError, NotAllowedError


class NutritionistNeededError(NotAllowedError):
    """Only a nutritionist whose licence is on file and in time signs a plan."""

    code = "nutritionist_needed"


class AvoidedFoodError(ConflictError):
    """The plan has something that this person cannot eat."""

    code = "nutrition_avoided"
    field = "days"


class PlanChangedError(ConflictError):
    """The plan changed since you read it; read it again."""

    code = "plan_changed"


class SignedAlreadyError(ConflictError):
    """This version is signed already."""

    code = "plan_signed"


class PlanEmptyError(ConflictError):
    """There is nothing to eat in the plan yet."""

    code = "plan_empty"


class PlanTooLargeError(InvalidRequestError):
    """The plan is longer than this keeps; make a second one."""

    code = "plan_too_large"
    field = "days"


class FoodUnknownError(InvalidRequestError):
    """There is no such food in the table."""

    code = "food_unknown"
    field = "food"


class ProfileNeededError(ConflictError):
    """The person's data (age, height, weight, activity) are needed first."""

    code = "profile_needed"


class AdultsOnlyError(ConflictError):
    """The equation is for adults; for minors a nutritionist sets the targets."""

    code = "adults_only"


class FoodSumsError(InvalidRequestError):
    """The nutrients of 100 g do not add up: together at most 100 g, and as much energy as they have."""

    code = "food_sums"
    field = "kcal"
