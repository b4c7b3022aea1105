"""What schemathesis can't know of the service: a course that exists, and which webhooks may be."""

import os
from typing import Any

import schemathesis

from app.generation.webhooks.urls import BadWebhookUrl, parse_webhook_url
from app.http.description import examples

#: What stands for what in all that is made of the document's examples.
REAL = {examples.COURSE_ID: os.environ["COURSE_ID"], examples.SLUG: os.environ["SLUG"]}


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> schemathesis.Case[Any]:
    """The course of the document's examples is the one that the environment names."""
    for part in ("path_parameters", "query", "body"):
        value = getattr(case, part)
        if isinstance(value, dict | str):
            setattr(case, part, _real(value))
    return case


@schemathesis.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """No schema says which hosts are public: a URL is one that a webhook may be sent to, or no text at all."""
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
