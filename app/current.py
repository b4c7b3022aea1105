"""The current request, and the services of the application that serves it."""

from typing import cast

from flask import Request, current_app, request

from app.services import Services


def current_services() -> Services:
    return cast(Services, current_app.extensions["services"])


def current_request() -> Request:
    """The request itself, for whoever asks it more than one thing: each look through Flask's proxy is a search."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]
