"""What the real client of tRPC sends is answered as the real server answers it.

`tests/acceptance/trpc/record.mjs` recorded both, so that neither Node nor a registry is needed here. Compared is what
clients read: status, shape, numbers and names of errors, the order of a batch; not the words, nor what each adds.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.generation.admission.requests import Order
from app.generation.callers import Caller
from app.generation.tiers import Tier
from app.settings import Settings
from tests.integration.factories import MakeCourse, MakeToken
from tests.logs import logging_restored
from tests.trpc import outcome, read_items

FILE = Path(__file__).resolve().parents[3] / "acceptance" / "trpc" / "exchanges.json"

OWNER, BUSY, STRANGER = uuid4(), uuid4(), uuid4()
TIERS = {OWNER: Tier.PREMIUM, BUSY: Tier.FREE}
#: Whose the recorder's courses are. Those that are active are being generated; number 4 does not exist.
OWNERS = {1: OWNER, 2: OWNER, 3: STRANGER, 5: BUSY, 6: BUSY, **dict.fromkeys((11, 12, 13, 21, 22, 23), OWNER)}
ACTIVE = (2, 6, 21, 22, 23)


def course_id(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012}")


@pytest.fixture
def client(clean: None, settings: Settings, make_course: MakeCourse) -> Iterator[FlaskClient]:
    """A client of the service with the courses of the recorder."""
    with logging_restored():
        app = create_app(replace(settings, global_concurrency_limit=20))
        services = app.extensions["services"]
        for number, owner in OWNERS.items():
            make_course(id=course_id(number), user_id=owner)
            if number in ACTIVE:
                order = Order(course_id(number))
                services.admissions.admit(Caller(owner, TIERS[owner]), order)
        yield app.test_client()
        services.close()


def agree(ours: Any, theirs: Any) -> bool:
    """Whether a client would act alike: of results we say more, and of an error it may not be said which call it is."""
    if "result" in ours and "result" in theirs:
        said, expected = ours["result"]["data"], theirs["result"]["data"]
        return all(name == "jobId" or said[name] == value for name, value in expected.items())
    mine, wanted = outcome(ours), outcome(theirs)
    return mine == wanted or (wanted[-1] is None and mine[:-1] == wanted[:-1])


def test_the_service_answers_the_real_client_as_the_real_server_does(client: FlaskClient, token: MakeToken) -> None:
    exchanges = json.loads(FILE.read_text(encoding="utf-8"))
    assert len(exchanges) > 50
    bearers = {"owner": token(OWNER, "PREMIUM"), "busy": token(BUSY, "FREE"), "nobody": "a.b.c"}
    for exchange in exchanges:
        request, expected = exchange["request"], exchange["response"]
        user = request["headers"]["authorization"].removeprefix("Bearer ")
        headers = {**request["headers"], "authorization": f"Bearer {bearers[user]}"}
        response = client.open(request["path"], method=request["method"], headers=headers, data=request.get("body"))
        told = f"{request} was answered with {response.status_code} {response.text} and not {expected}"
        assert response.status_code == expected["status"], told
        assert response.mimetype == "application/json"
        ours, theirs = read_items(request, response.text), read_items(request, expected["body"])
        lone = len(theirs) == 1 < len(ours)
        assert all(
            agree(one, other) for one, other in zip(ours, theirs * len(ours) if lone else theirs, strict=True)
        ), told
        allowed = expected["headers"].get("allow", "")
        assert allowed in response.headers.get("Allow", ""), told
