"""The platform's server, as the integration tests have it."""

from tests.integration.platform.conftest import platform_server  # noqa: F401
