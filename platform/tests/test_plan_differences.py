"""What changes between two plans, and what that does to what runs."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from support_planning import BARBERSHOP, PSYCHOLOGY, plan_of

from barberpro.planning.differences import Change, describe, difference, worst_impact
from barberpro.planning.model import Plan

OLD = plan_of()


def by_path(changes: tuple[Change, ...]) -> dict[str, Change]:
    found = {change.path: change for change in changes}
    assert len(found) == len(changes), "two changes with one path"
    return found


def test_a_plan_does_not_differ_from_itself() -> None:
    assert difference(OLD, plan_of()) == ()
    assert worst_impact(()) == "none"


def test_a_first_plan_is_all_addition() -> None:
    changes = difference(None, OLD)
    assert {change.path for change in changes} == set(Plan.model_fields)
    assert {change.kind for change in changes} == {"add"}
    assert worst_impact(changes) == "none", "nothing runs that could be disturbed"


def test_a_larger_market() -> None:
    changes = by_path(difference(OLD, plan_of(market="large")))
    assert changes["request.market"].impact == "none"
    assert changes["workloads[booking].replicas_min"].impact == "reload"
    assert changes["workloads[booking].memory_mib"].impact == "restart"
    assert changes["database.storage_gb"].kind == "change"
    assert changes["cost.per_booking_usd"].impact == "none"
    assert not [path for path in changes if path.startswith("seed")]


def test_another_owner_restarts_the_app_and_touches_no_data() -> None:
    changes = difference(OLD, plan_of(owner_email="ana@example.com"))
    assert by_path(changes)["application.brand.contact_email"].impact == "restart"
    assert worst_impact(changes) == "restart"


def test_another_provider_or_target_is_made_anew() -> None:
    changes = difference(OLD, plan_of(target="kubernetes", provider="on-premises"))
    assert worst_impact(changes) == "replace"
    assert by_path(changes)["request.target"].impact == "replace"


def test_a_volume_grows_in_place_and_shrinks_by_being_made_anew() -> None:
    small, large = plan_of(market="small"), plan_of(market="large")
    assert by_path(difference(small, large))["database.storage_gb"].impact == "reload"
    assert by_path(difference(large, small))["database.storage_gb"].impact == "replace"


def test_another_vertical_adds_and_removes_workloads() -> None:
    changes = by_path(difference(OLD, plan_of(vertical="psychology")))
    assert changes["workloads[portfolio-service]"].kind == "remove"
    added = changes["workloads[encrypted-notes-service]"]
    assert (added.kind, added.before, added.impact) == ("add", None, "restart")


def test_lines_for_people() -> None:
    lines = describe(difference(OLD, plan_of(market="large")))
    assert '~ request.market: "medium" -> "large"' in lines
    assert any(
        line.startswith("~ workloads[booking].memory_mib") and line.endswith("(restart)")
        for line in lines
    )
    assert all(len(line) < 300 for line in lines)
    assert all(line.startswith("+ ") for line in describe(difference(None, OLD)))


REQUESTS = st.fixed_dictionaries(
    {
        "vertical": st.sampled_from(["barbershop", "psychology", "fitness", "dental"]),
        "market": st.sampled_from(["small", "medium", "large", "enterprise"]),
        "region": st.sampled_from(["argentina-central", "argentina-north", "argentina-south"]),
        "domain": st.sampled_from([None, "a.com.ar", "b.com.ar"]),
        "owner_email": st.sampled_from([None, "a@example.com"]),
    }
)


@settings(deadline=None, max_examples=40)
@given(REQUESTS, REQUESTS)
def test_there_is_a_difference_exactly_where_the_plans_differ(
    one: dict[str, object], other: dict[str, object]
) -> None:
    old, new = plan_of(BARBERSHOP, **one), plan_of(BARBERSHOP, **other)
    changes = difference(old, new)
    assert bool(changes) == (old != new)
    by_path(changes)
    back = difference(new, old)
    assert [change.path for change in back if change.kind == "change"] == [
        change.path for change in changes if change.kind == "change"
    ]
    assert sorted(c.path for c in back if c.kind == "add") == sorted(
        c.path for c in changes if c.kind == "remove"
    )
    json.dumps([[c.before, c.after] for c in changes], allow_nan=False)


def test_the_order_of_a_list_is_a_change_too() -> None:
    turned = OLD.model_copy(update={"workloads": OLD.workloads[::-1]})
    (change,) = difference(OLD, turned)
    assert (change.path, change.kind) == ("workloads", "change")


def test_psychology_with_and_without_its_domain() -> None:
    changes = by_path(difference(plan_of(PSYCHOLOGY, domain=None), plan_of(PSYCHOLOGY)))
    assert changes["network.domain"].after == "psicologia.salud.ar"
    assert any(path.startswith("network.dns_records[") for path in changes)
    assert changes["request.domain"].before is None
