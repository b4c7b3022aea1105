"""The dashboard of Grafana, apart from the names of its metrics: a test of `/metrics` compares those."""

import json
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest

from tests.unit.delivery.delivered import ROOT, panels

FOLDER = ROOT / "deploy" / "grafana"


def test_panels_have_a_place_a_unit_and_the_data_source_that_was_chosen() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        place = set(product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not place & taken, panel["title"]
        taken |= place
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert [target["refId"] for target in panel["targets"]] == list("ABC"[: len(panel["targets"])])
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_provider_reads_the_folder_that_a_release_has() -> None:
    assert "path: /opt/course-generation/current/deploy/grafana\n" in (FOLDER / "provider.yaml").read_text()
    assert len(list(FOLDER.glob("*.json"))) == 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    assert len(queries) > 20
    rules = [
        {"record": f"query_{number}", "expr": re.sub(r"\$__rate_interval\b", "1m", query)}
        for number, query in enumerate(queries)
    ]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    command = ["promtool", "check", "rules", "queries.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
