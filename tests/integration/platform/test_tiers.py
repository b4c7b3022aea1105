"""The tier of a user by the platform's tables."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.database.migrations import migrate
from app.settings import Settings
from tests.integration.factories import MakeToken
from tests.integration.platform.conftest import MakePlatform
from tests.integration.platform.courses import BOB, COURSE, connect, nth_course, only
from tests.logs import logging_restored


@pytest.fixture
def url(make_platform: MakePlatform) -> str:
    url = make_platform("stage1")
    migrate(url)
    return url


@pytest.fixture
def client(url: str, settings: Settings) -> Iterator[FlaskClient]:
    with logging_restored():
        app = create_app(replace(settings, database_url=url, tier_source="database", global_concurrency_limit=50))
        yield app.test_client()
        app.extensions["services"].close()


@pytest.mark.parametrize(("tier", "slots"), [("free", 1), ("basic_plus", 2), ("standard", 3)])
def test_the_tier_of_the_organization_counts_and_not_the_tokens(
    clean: None, client: FlaskClient, url: str, token: MakeToken, tier: str, slots: int
) -> None:
    with connect(url) as conn:
        conn.execute("update organizations set tier = %s::tier", [tier])
    headers = {"Authorization": f"Bearer {token(BOB, 'PREMIUM')}"}

    def start(number: int) -> int:
        body = {"courseId": str(nth_course(number))}
        return client.post("/api/coursegen/generate", json=body, headers=headers).status_code

    assert [start(number) for number in range(1, slots + 2)] == [200] * slots + [429]


def test_an_operators_own_function_decides(clean: None, client: FlaskClient, url: str, token: MakeToken) -> None:
    with connect(url) as conn:
        conn.execute(
            "create or replace function coursegen.user_tier(p_user_id uuid) returns text"
            " language sql stable as $$ select 'TRIAL' $$"
        )
        headers = {"Authorization": f"Bearer {token(BOB)}"}
        client.post("/api/coursegen/generate", json={"courseId": str(COURSE)}, headers=headers)
        found = "select array_agg(tier::text order by created_at) from coursegen.generations"
        assert only(conn, found) == ["TRIAL"]
        for more in ([], ["--tier", "premium"]):
            course = str(nth_course(2 + len(more)))
            client.application.test_cli_runner().invoke(args=["generate", course, *more], catch_exceptions=False)
        assert only(conn, found) == ["TRIAL", "TRIAL", "PREMIUM"]
