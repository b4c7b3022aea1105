"""What schemathesis can't know: a course that exists, and which URLs a webhook may have."""

import os
from typing import Any

import schemathesis

from app.generation.webhooks.urls import BadWebhookUrl, parse_webhook_url
from app.http.description.document import read_yaml
from app.http.schemas import EXAMPLE_ID

_SLUG = read_yaml("openapi")["components"]["parameters"]["slug"]["example"]
#: Replacements for the ids in the document's examples.
REAL = {EXAMPLE_ID: os.environ["COURSE_ID"], _SLUG: os.environ["SLUG"]}


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> schemathesis.Case[Any]:
    """Replaces the course of the document's examples by the one that the environment names."""
    for part in ("path_parameters", "query", "body"):
        value = getattr(case, part)
        if isinstance(value, dict | str):
            setattr(case, part, _real(value))
    return case


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Drops cases with a URL that the service rejects: no schema can say which hosts are public."""
    url = case.body.get("webhookUrl") if isinstance(case.body, dict) else None
    try:
        return not isinstance(url, str) or bool(parse_webhook_url(url))
    except BadWebhookUrl:
        return False


def _real(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _real(item) for name, item in value.items()}
    if isinstance(value, str):
        for example, real in REAL.items():
            value = value.replace(example, real)
    return value
