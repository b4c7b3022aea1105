"""The alert rules: what they link to, and, where promtool is installed, when they fire and when they do not."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.delivery.delivered import ROOT, alerts
from tests.unit.docs.test_docs import anchors

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
RUNBOOK = ROOT / "docs" / "runbook.md"

MINUTES = 90
API = 'up{job="course-generation",instance="a:8000"}'
OTHER_API = 'up{job="course-generation",instance="b:8000"}'
ANSWERED = 'http_requests_total{route="/",method="GET",status="200"}'
PAUSED = 'coursegen_paused{control="admissions"}'
REFUSED = 'coursegen_admissions_total{source="http",outcome="paused"}'
FAILED = 'http_requests_total{route="/",method="GET",status="503"}'

#: What a service without trouble reports each minute, as promtool writes series: start, step and how often.
HEALTHY = {
    API: f"1x{MINUTES}",
    OTHER_API: f"1x{MINUTES}",
    ANSWERED: f"0+600x{MINUTES}",
    FAILED: f"0x{MINUTES}",
    "coursegen_database_up": f"1x{MINUTES}",
    "coursegen_redis_up": f"1x{MINUTES}",
    'coursegen_workers_live{queue="stages"}': f"2x{MINUTES}",
    'coursegen_workers_live{queue="upkeep"}': f"1x{MINUTES}",
    'coursegen_workers_live{queue="webhooks"}': f"1x{MINUTES}",
    'coursegen_queue_jobs{queue="stages"}': f"1x{MINUTES}",
    'coursegen_queue_oldest_seconds{queue="stages"}': f"2x{MINUTES}",
    'coursegen_queue_oldest_seconds{queue="upkeep"}': f"0x{MINUTES}",
    'coursegen_queue_oldest_seconds{queue="webhooks"}': f"1x{MINUTES}",
    "coursegen_generations_stuck": f"0x{MINUTES}",
    "coursegen_slots_active": f"2x{MINUTES}",
    "coursegen_slots_limit": f"3x{MINUTES}",
    "coursegen_slots_drift": f"0x{MINUTES}",
    'coursegen_recent_events{type="job_rollback"}': f"0x{MINUTES}",
    "coursegen_webhooks_undelivered": f"0x{MINUTES}",
    "coursegen_webhooks_overdue_seconds": f"0x{MINUTES}",
}
#: Of HEALTHY, what only the API reports, and of this, what it reads from the database.
REPORTED = dict.fromkeys((name for name in HEALTHY if name not in {API, OTHER_API}), "_")
READ = {name: value for name, value in REPORTED.items() if not re.match("http|coursegen_(database|redis)_up", name)}


@dataclass(frozen=True)
class Case:
    """A course of events: what differs from HEALTHY, and exactly which alerts fire after so many minutes."""

    name: str
    series: dict[str, str]
    fires: dict[int, set[str]] = field(default_factory=dict)


def lasting(value: float, before: float = 0) -> str:
    """From the tenth minute on."""
    return f"{before}x9 {value}x{MINUTES}"


def for_minutes(number: int, value: float, before: float = 0) -> str:
    """From the tenth minute on, so long."""
    return f"{before}x9 {value}x{number - 1} {before}x{MINUTES}"


CASES = [
    Case("nothing is wrong", {}, {minute: set() for minute in (1, 10, 30, 60)}),
    Case(
        "no API answers",
        {API: lasting(0, 1), OTHER_API: lasting(0, 1), **REPORTED},
        {9: set(), 11: {"ApiDown"}, 40: {"ApiDown"}},
    ),
    Case("no API is known to Prometheus", {API: "_", OTHER_API: "_", **REPORTED}, {0: set(), 1: {"ApiDown"}}),
    Case("one of two is away", {API: lasting(0, 1)}, {14: set(), 15: {"ApiServerDown"}, 40: {"ApiServerDown"}}),
    Case(
        "each is restarted",
        {API: for_minutes(2, 0, 1), OTHER_API: f"1x11 0x1 1x{MINUTES}"},
        {11: set(), 13: set(), 20: set()},
    ),
    Case(
        "the database is away without traffic",
        {"coursegen_database_up": lasting(0, 1), **READ, ANSWERED: f"0x{MINUTES}"},
        {10: set(), 11: {"DatabaseDown"}, 40: {"DatabaseDown"}},
    ),
    Case(
        "the database is restarted", {"coursegen_database_up": for_minutes(1, 0, 1)}, {10: set(), 11: set(), 12: set()}
    ),
    Case(
        "one in thirty answers is an error",
        {FAILED: f"0x9 0+20x{MINUTES}"},
        {10: set(), 20: {"RequestsFail"}, 40: {"RequestsFail"}},
    ),
    Case(
        "starts are refused while an operator has paused them, and it is not forgotten",
        {FAILED: f"0x9 0+60x49 2940x{MINUTES}", REFUSED: f"0x9 0+60x49 2940x{MINUTES}", PAUSED: "_x10 1x49"},
        {20: set(), 40: set(), 58: set(), 65: set()},
    ),
    Case(
        "others fail meanwhile", {FAILED: f"0x9 0+90x{MINUTES}", REFUSED: f"0x9 0+60x{MINUTES}"}, {20: {"RequestsFail"}}
    ),
    Case("a pause is forgotten", {PAUSED: f"_x10 1x{MINUTES}"}, {69: set(), 70: {"PausedForLong"}}),
    Case("one in a hundred is", {FAILED: f"0x9 0+6x{MINUTES}"}, {20: set(), 40: set()}),
    Case(
        "one of few is",
        {ANSWERED: f"0+1x{MINUTES}", FAILED: lasting(1)},
        {minute: set() for minute in range(10, 20)},
    ),
    Case("nobody asks anything", {ANSWERED: f"7x{MINUTES}", FAILED: f"3x{MINUTES}"}, {10: set(), 40: set()}),
    Case(
        "only stages have no worker, and one waits",
        {
            'coursegen_workers_live{queue="stages"}': lasting(0, 2),
            'coursegen_queue_oldest_seconds{queue="stages"}': f"2x9 0+60x{MINUTES}",
        },
        {11: set(), 12: {"NoStagesWorker"}, 15: {"NoStagesWorker"}, 30: {"NoStagesWorker", "JobsWait"}},
    ),
    Case(
        "workers are restarted",
        {'coursegen_workers_live{queue="stages"}': for_minutes(2, 0, 2)},
        {11: set(), 12: set()},
    ),
    Case(
        "only upkeep has none",
        {'coursegen_workers_live{queue="upkeep"}': lasting(0, 1)},
        {11: set(), 12: {"NoUpkeepWorker"}},
    ),
    Case(
        "only webhooks have none, and one waits",
        {'coursegen_workers_live{queue="webhooks"}': lasting(0, 1), "coursegen_webhooks_undelivered": lasting(1)},
        {11: set(), 12: {"NoWebhooksWorker"}},
    ),
    Case("webhooks have none and need none", {'coursegen_workers_live{queue="webhooks"}': f"0x{MINUTES}"}, {40: set()}),
    Case(
        "a stage waits",
        {'coursegen_queue_oldest_seconds{queue="stages"}': f"0x9 0+60x{MINUTES}"},
        {20: set(), 24: {"JobsWait"}},
    ),
    Case(
        "upkeep waits",
        {'coursegen_queue_oldest_seconds{queue="upkeep"}': f"0x9 0+60x{MINUTES}"},
        {20: set(), 24: {"JobsWait"}},
    ),
    Case(
        "a backlog shrinks",
        {'coursegen_queue_oldest_seconds{queue="stages"}': for_minutes(2, 900)},
        {11: set(), 12: set()},
    ),
    Case("a generation is stuck", {"coursegen_generations_stuck": lasting(1)}, {14: set(), 15: {"GenerationsStuck"}}),
    Case("all places are taken", {"coursegen_slots_active": lasting(3)}, {24: set(), 25: {"SlotsFull"}}),
    Case(
        "more than all are, since the limit was lowered", {"coursegen_slots_limit": lasting(1, 3)}, {25: {"SlotsFull"}}
    ),
    Case(
        "a place is free at times",
        {"coursegen_slots_active": f"3x12 2x0 3x12 2x0 3x12 2x{MINUTES}"},
        {25: set(), 40: set()},
    ),
    Case(
        "five admissions are rolled back",
        {'coursegen_recent_events{type="job_rollback"}': lasting(5, 4)},
        {9: set(), 10: {"AdmissionsRolledBack"}},
    ),
    Case(
        "Redis is away",
        {"coursegen_redis_up": lasting(0, 1), "coursegen_slots_drift": "_"},
        {19: set(), 20: {"RedisDegraded"}},
    ),
    Case("Redis is restarted", {"coursegen_redis_up": for_minutes(5, 0, 1)}, {14: set(), 20: set()}),
    Case("slots drift", {"coursegen_slots_drift": lasting(1)}, {14: set(), 15: {"SlotsDrift"}}),
    Case("they drift at times", {"coursegen_slots_drift": "1x3 0x0 " * 12}, {30: set(), 45: set()}),
    Case(
        "a webhook is not sent",
        {"coursegen_webhooks_undelivered": lasting(1), "coursegen_webhooks_overdue_seconds": f"0x9 0+60x{MINUTES}"},
        {20: set(), 21: {"WebhooksOverdue"}},
    ),
    Case("a receiver refuses for a day", {"coursegen_webhooks_undelivered": lasting(1)}, {60: set()}),
]


def test_each_alert_says_how_bad_it_is_and_links_to_its_section_of_the_runbook() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule
        assert rule["annotations"]["summary"].endswith("."), rule
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in anchors(RUNBOOK)
    sections = re.findall(r"^### (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert sections == [rule["alert"] for rule in alerts()]


def test_the_alerts_about_the_api_name_the_job_that_is_documented() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    [job] = re.findall(r"^  - job_name: (\S+)$", page, re.MULTILINE)
    assert {name for rule in alerts() for name in re.findall(r'job="([^"]+)"', rule["expr"])} == {job}


def test_each_alert_has_a_case_that_fires_it() -> None:
    fired = set().union(*(fires for case in CASES for fires in case.fires.values()))
    assert fired == {rule["alert"] for rule in alerts()}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_alerts_fire_when_they_should_and_at_no_other_time(tmp_path: Path) -> None:
    """promtool runs the rules over each case; of all alerts exactly the expected ones fire."""
    shutil.copy(RULES, tmp_path)
    written = [
        {
            "name": case.name,
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in (HEALTHY | case.series).items()],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(fires)],
                }
                for minute, fires in case.fires.items()
            ],
        }
        for case in CASES
    ]
    tests = {"rule_files": [RULES.name], "evaluation_interval": "1m", "tests": written}
    (tmp_path / "tests.yml").write_text(json.dumps(tests), encoding="utf-8")  # JSON is YAML
    for arguments in (["check", "rules", RULES.name], ["test", "rules", "tests.yml"]):
        done = subprocess.run(["promtool", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
