"""The services of the application that serves the current request."""

from typing import cast

from flask import current_app

from app.services import Services


def current_services() -> Services:
    return cast(Services, current_app.extensions["services"])
