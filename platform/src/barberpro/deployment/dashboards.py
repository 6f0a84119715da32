"""A plan's monitors as Grafana dashboard and Prometheus alerting rules. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

import yaml

from barberpro.planning.model import Monitor, Plan

GRAFANA_SCHEMA = 39  # Grafana 10.4 and newer read it
COLUMNS, WIDTH, HEIGHT = 24, 8, 7
UID_CHARACTERS = 40  # Grafana's limit


def grafana_dashboard(plan: Plan) -> str:
    """The dashboard as JSON for Grafana's import, one row per group of monitors."""
    name = plan.request.name
    return json.dumps(
        {
            "uid": f"bp-{plan.deployment_id}"[:UID_CHARACTERS],
            "title": f"{name} ({plan.deployment_id})",
            "tags": ["barberpro", plan.request.vertical],
            "timezone": str(plan.application.get("timezone", "browser")),
            "schemaVersion": GRAFANA_SCHEMA,
            "refresh": "30s",
            "time": {"from": "now-24h", "to": "now"},
            "templating": {
                "list": [
                    {"name": "datasource", "type": "datasource", "query": "prometheus", "label": ""}
                ]
            },
            "panels": list(_panels(plan)),
        },
        ensure_ascii=False,
        indent=1,
        sort_keys=True,
    )


def _panels(plan: Plan) -> Iterator[dict[str, object]]:
    number, top = 1, 0
    for group, monitors in groupby(_grouped(plan), key=lambda monitor: monitor.group):
        row = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        title = group.replace("_", " ").capitalize() or "Metrics"
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": row}
        number, top = number + 1, top + 1
        for at, monitor in enumerate(monitors):
            column, line = at % (COLUMNS // WIDTH), at // (COLUMNS // WIDTH)
            place = {"x": column * WIDTH, "y": top + line * HEIGHT, "w": WIDTH, "h": HEIGHT}
            yield _panel(number, monitor, place)
            number += 1
        top += (line + 1) * HEIGHT


def _grouped(plan: Plan) -> list[Monitor]:
    """Groups in the order of their first monitor, and monitors in theirs."""
    order = list(dict.fromkeys(monitor.group for monitor in plan.monitors))
    return sorted(plan.monitors, key=lambda monitor: order.index(monitor.group))


def _panel(number: int, monitor: Monitor, place: dict[str, int]) -> dict[str, object]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number,
        "type": "timeseries",
        "title": monitor.title,
        "description": monitor.summary,
        "datasource": source,
        "gridPos": place,
        "targets": [
            {
                "refId": "A",
                "datasource": source,
                "expr": monitor.measure or monitor.expression,
                "legendFormat": "{{service}}",
            }
        ],
    }


def alerting_rules(plan: Plan) -> str:
    """Prometheus rules (``promtool check rules`` reads them), one group per group of monitors."""
    groups = []
    for group, monitors in groupby(_grouped(plan), key=lambda monitor: monitor.group):
        rules = [_rule(plan, monitor) for monitor in monitors]
        groups.append({"name": f"{plan.deployment_id}-{group or 'metrics'}", "rules": rules})
    return yaml.safe_dump({"groups": groups}, allow_unicode=True, sort_keys=False, width=1000)


def _rule(plan: Plan, monitor: Monitor) -> dict[str, object]:
    return {
        "alert": "".join(part.capitalize() for part in monitor.id.replace("-", "_").split("_")),
        "expr": monitor.expression,
        "for": f"{monitor.for_seconds}s",
        "labels": {"severity": monitor.severity, "deployment": plan.deployment_id},
        "annotations": {"summary": monitor.summary, "metric": monitor.id},
    }
