"""What the delivered alerts and dashboard ask Prometheus is what `/metrics` reports."""

import re
from pathlib import Path

import psycopg
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import DictRow

from app.http.routes import prometheus
from app.http.routes.prometheus import GAUGES
from tests.integration.factories import MakeCourse
from tests.integration.http.conftest import Generate
from tests.unit.delivery.delivered import queries

#: What may become of an admission, if it is not admitted.
CODES = set(yaml.safe_load((Path(prometheus.__file__).parents[1] / "errors.yaml").read_text(encoding="utf-8")))
#: Prometheus's own.
OWN = {"up": {"job", "instance"}}
#: A metric and what is asked of its labels; a word before `(` is a function.
SELECTOR = re.compile(r"\b([a-z_]+)\b(?!\s*\()(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)(=~|=)"([^"]*)"')
#: What a query groups by, and its windows.
GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
WINDOW = re.compile(r"\[[^]]*\]")
WORDS = {"and", "unless", "or"}


def test_alerts_and_dashboard_ask_for_what_is_reported(
    client: FlaskClient, generate: Generate, make_course: MakeCourse, conn: psycopg.Connection[DictRow]
) -> None:
    course = make_course()
    assert generate(course.id, course.user_id).status_code == 200
    assert client.get("/livez").status_code == 200
    labels, values = reported(client.get("/metrics").text)
    asked = queries()
    assert len(asked) > 30
    for query, lines in asked:
        names = set()
        for name, matchers in SELECTOR.findall(WINDOW.sub("", GROUPING.sub("", query))):
            if name in WORDS:
                continue
            names.add(name)
            assert name in labels, query
            for label, how, value in LABEL.findall(matchers):
                assert label in labels[name], query
                known = CODES if label == "outcome" else values.get((name, label), {value})
                assert how == "=~" or value in known, query
        assert names, query
        grouped = {label.strip() for found in GROUPING.findall(query) for label in found.split(",")}
        grouped |= set(re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", lines))
        assert grouped <= {"le"} | set().union(*(labels[name] for name in names)), query


def reported(text: str) -> tuple[dict[str, set[str]], dict[tuple[str, str], set[str]]]:
    """The labels of each metric, and the values of each of these labels."""
    labels = {name: set(given) for name, _, given in GAUGES.values()} | OWN
    values: dict[tuple[str, str], set[str]] = {}
    exported = set()
    for family in text_string_to_metric_families(text):
        exported.add(family.name)
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
            for label, value in sample.labels.items():
                values.setdefault((sample.name, label), set()).add(value)
    assert {name for name, *_ in GAUGES.values()} <= exported
    return labels, values
