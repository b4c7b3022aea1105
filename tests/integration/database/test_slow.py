"""A database that is slow but answers is served slowly, also after it was away."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import psycopg
import pytest
from psycopg.rows import DictRow

from app import create_app
from app.settings import Settings
from tests.conftest import WaitUntil
from tests.integration.factories import Course, MakeCourse, MakeToken
from tests.integration.generation.proxy import Proxy, proxied
from tests.logs import logging_restored

SLOW_S = 0.4
AWAY_S = 4
CLIENTS = 8


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    with proxied(settings.database_url) as proxy:
        yield proxy


@pytest.mark.xdist_group("waits")
@pytest.mark.parametrize("away", ["cut", "frozen"])
def test_after_an_outage_a_slow_database_is_served_slowly(
    clean: None,
    settings: Settings,
    proxy: Proxy,
    make_course: MakeCourse,
    token: MakeToken,
    wait_until: WaitUntil,
    conn: psycopg.Connection[DictRow],
    away: str,
) -> None:
    with logging_restored():
        app = create_app(replace(settings, database_url=proxy.url, global_concurrency_limit=100))
        client = app.test_client()

        def admit(course: Course) -> tuple[int, float]:
            headers = {"Authorization": f"Bearer {token(course.user_id)}"}
            began = time.monotonic()
            response = client.post("/api/coursegen/generate", json={"courseId": str(course.id)}, headers=headers)
            return response.status_code, time.monotonic() - began

        proxy.slow_s = SLOW_S
        assert admit(make_course())[0] == 200
        back = Event()

        def ask_until_back(course: Course) -> None:
            while not back.is_set():
                admit(course)
                back.wait(0.05)

        with ThreadPoolExecutor(CLIENTS) as threads:
            for course in [make_course() for _ in range(CLIENTS)]:
                threads.submit(ask_until_back, course)
            try:
                if away == "cut":
                    proxy.refuse()
                else:
                    proxy.slow_s = AWAY_S  # no answer comes while it is away
                back.wait(AWAY_S)
                proxy.refuse(False)
                proxy.slow_s = SLOW_S
                wait_until(lambda: client.get("/readyz").status_code == 200, 10)
            finally:
                back.set()
        with ThreadPoolExecutor(CLIENTS) as threads:
            answers = list(threads.map(admit, [make_course() for _ in range(3 * CLIENTS)]))
        assert [status for status, _ in answers] == [200] * len(answers)
        assert max(seconds for _, seconds in answers) < 5
        app.extensions["services"].close()
