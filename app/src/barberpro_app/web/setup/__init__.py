"""The owner's settings, a module per subject."""

from __future__ import annotations

from barberpro_app.web.setup import (
    api,
    approvals,
    attendance,
    audit,
    brand,
    data_requests,
    domain,
    holidays,
    locations,
    messages,
    opening,
    policies,
    poster,
    providers,
    reminders,
    resources,
    retention,
    schedule,
    series,
    services,
    staff,
    start,
    team_notices,
    waiting,
    withdrawals,
)

routers = tuple(
    module.router
    for module in (
        start,
        opening,
        brand,
        locations,
        providers,
        schedule,
        services,
        resources,
        holidays,
        poster,
        domain,
        policies,
        approvals,
        attendance,
        retention,
        series,
        waiting,
        staff,
        team_notices,
        api,
        audit,
        messages,
        reminders,
        withdrawals,
        data_requests,
    )
)
