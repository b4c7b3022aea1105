"""The alert rules name metrics and labels that exist."""

import re
from pathlib import Path

import yaml

from app.http.routes.prometheus import GAUGES
from app.operations.doctor import SERVED
from app.telemetry.counters import Counters

RULES = Path(__file__).resolve().parents[3] / "deploy" / "prometheus" / "alerts.yml"
#: The gauges that are not rows of the query.
OTHERS = {"coursegen_database_up", "coursegen_redis_up", "coursegen_slots_limit", "coursegen_slots_drift"}


def expressions() -> list[str]:
    [group] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule["expr"] for rule in group["rules"]]


def test_every_metric_of_a_rule_exists() -> None:
    known = {name for name, *_ in GAUGES.values()} | OTHERS
    known |= {f"{family.name}_total" for family in Counters().collect() if family.type == "counter"}
    named = {name for text in expressions() for name in re.findall(r"\b(?:coursegen|http)_\w+", text)}
    assert named
    assert named <= known


def test_each_queue_without_a_worker_has_an_alert() -> None:
    missed = re.findall(r'coursegen_workers_live\{queue="(\w+)"\}\) == 0', "\n".join(expressions()))
    assert missed == list(SERVED)
