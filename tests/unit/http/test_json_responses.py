"""JSON response bodies."""

import pytest

from tests.unit.http.conftest import MakeClient


@pytest.mark.parametrize("value", [2**64, 1e300, "текст", "\x00", None, {"a": [1.5, True]}])
def test_any_json_value_is_encoded(make_client: MakeClient, value: object) -> None:
    client = make_client()
    client.application.add_url_rule("/value", view_func=lambda: {"value": value})
    assert client.get("/value").json == {"value": value}


def test_cyrillic_is_not_escaped_and_fields_keep_their_order(make_client: MakeClient) -> None:
    client = make_client()
    client.application.add_url_rule("/value", view_func=lambda: {"b": "Курс", "a": 1})
    assert client.get("/value").data == '{"b":"Курс","a":1}\n'.encode()
