"""The claims that make a caller: tier, role, subject. No server runs."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.tokens import make_claims, sign
from tests.unit.http.conftest import USER, MakeClient


def whoami(client: FlaskClient, **claims: Any) -> Any:
    token = sign(make_claims(USER, **claims))
    response = client.get("/whoami", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200, response.text
    return response.json


@pytest.mark.parametrize("tier", ["FREE", "BASIC", "STANDARD", "TRIAL", "PREMIUM"])
@pytest.mark.parametrize("spell", [str.upper, str.lower, str.title], ids=["upper", "lower", "title"])
def test_a_tier_is_case_insensitive(client: FlaskClient, tier: str, spell: Any) -> None:
    assert whoami(client, tier=spell(tier))["tier"] == tier


@pytest.mark.parametrize(("name", "tier"), [("basic_plus", "BASIC"), ("Basic_Plus", "BASIC"), ("basicplus", "FREE")])
def test_a_tier_may_have_another_name(client: FlaskClient, name: str, tier: str) -> None:
    assert whoami(client, app_metadata={"tier": name})["tier"] == tier


@pytest.mark.parametrize("tier", ["", "GOLD", "PREMIUM2", "ПРЕМИУМ", 5, True, ["PREMIUM"], {"name": "PREMIUM"}])
def test_an_unknown_tier_is_free(client: FlaskClient, tier: object) -> None:
    assert whoami(client, app_metadata={"tier": tier})["tier"] == "FREE"


@pytest.mark.parametrize(
    ("app_metadata", "user_metadata", "tier"),
    [
        ({"tier": "BASIC"}, {"tier": "PREMIUM"}, "BASIC"),
        ({}, {"tier": "PREMIUM"}, "PREMIUM"),
        (None, {"tier": "PREMIUM"}, "PREMIUM"),
        ("text", {"tier": "PREMIUM"}, "PREMIUM"),
        ({"tier": None}, {"tier": "PREMIUM"}, "PREMIUM"),
        ({"tier": "GOLD"}, {"tier": "PREMIUM"}, "FREE"),
        ({"tier": ""}, {"tier": "PREMIUM"}, "FREE"),
        ({"tier": 1}, {"tier": "PREMIUM"}, "FREE"),
        ({"tier": ["BASIC"]}, {"tier": "PREMIUM"}, "FREE"),
        ({}, {}, "FREE"),
        ({}, None, "FREE"),
        ({}, [], "FREE"),
    ],
)
def test_the_first_tier_claim_present_decides(
    client: FlaskClient, app_metadata: object, user_metadata: object, tier: str
) -> None:
    assert whoami(client, app_metadata=app_metadata, user_metadata=user_metadata)["tier"] == tier


def test_the_tier_can_be_locked_to_what_users_cannot_edit(make_client: MakeClient) -> None:
    client = make_client(tier_claims=("app_metadata.tier",))
    assert whoami(client, user_metadata={"tier": "PREMIUM"})["tier"] == "FREE"
    assert whoami(client, app_metadata={"tier": "BASIC"}, user_metadata={"tier": "PREMIUM"})["tier"] == "BASIC"


def test_tier_claims_are_read_in_their_order(make_client: MakeClient) -> None:
    client = make_client(tier_claims=("plan", "a.b.c", "app_metadata.tier"))
    assert whoami(client, tier="BASIC", plan="TRIAL", a={"b": {"c": "PREMIUM"}})["tier"] == "TRIAL"
    assert whoami(client, tier="BASIC", a={"b": {"c": "PREMIUM"}})["tier"] == "PREMIUM"
    assert whoami(client, tier="BASIC", a={"b": "PREMIUM"})["tier"] == "BASIC"


SCHOOL, OTHER = str(UUID(int=1)), str(UUID(int=2))


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"app_metadata": {"role": "admin"}}, "admin"),
        ({"app_metadata": {"role": "superadmin"}}, "superadmin"),
        ({"app_metadata": {"role": "instructor"}, "role": "admin"}, "admin"),
        ({"app_metadata": {"role": "admin"}, "role": "superadmin"}, "admin"),
        ({"role": "superadmin"}, "superadmin"),
        ({"app_metadata": {"role": "Admin"}}, None),
        ({"app_metadata": {"role": "instructor"}}, None),
        ({"app_metadata": {"role": ["admin"]}}, None),
        ({"app_metadata": {"role": {"admin": True}}}, None),
        ({"user_metadata": {"role": "admin"}}, None),
        ({"role": "service_role"}, None),
    ],
    ids=str,
)
def test_the_first_admins_role_decides_and_users_can_edit_none(
    client: FlaskClient, claims: dict[str, Any], role: str | None
) -> None:
    assert whoami(client, **claims)["role"] == role


@pytest.mark.parametrize(
    ("claims", "organization"),
    [
        ({"app_metadata": {"organization_id": SCHOOL}, "organization_id": OTHER}, SCHOOL),
        ({"organization_id": OTHER}, OTHER),
        ({"app_metadata": {"organization_id": None}, "organization_id": OTHER}, OTHER),
        ({"app_metadata": {"organization_id": "school"}, "organization_id": OTHER}, None),
        ({"app_metadata": {"organization_id": [SCHOOL]}}, None),
        ({"app_metadata": {"organization_id": 1}}, None),
        ({"app_metadata": {"organization_id": ""}}, None),
        ({"user_metadata": {"organization_id": SCHOOL}}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_first_organization_claim_present_decides(
    client: FlaskClient, claims: dict[str, Any], organization: str | None
) -> None:
    assert whoami(client, **claims)["organization"] == organization


def test_roles_and_organizations_are_read_where_the_settings_say(make_client: MakeClient) -> None:
    client = make_client(role_claims=("rights.role",), organization_claims=("rights.school",))
    found = whoami(client, app_metadata={"role": "admin"}, rights={"role": "superadmin", "school": SCHOOL})
    assert (found["role"], found["organization"]) == ("superadmin", SCHOOL)
    assert whoami(client, app_metadata={"role": "admin", "organization_id": SCHOOL})["role"] is None


def test_the_subject_is_the_user(client: FlaskClient) -> None:
    user = UUID("00000000-0000-4000-8000-000000000001")
    assert whoami(client, sub=str(user).upper())["userId"] == str(user)
