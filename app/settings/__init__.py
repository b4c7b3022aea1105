"""The service's settings. `docs/settings.md` explains each."""

from app.settings.environment import LOOPBACK, SECRETS, VERSION, BadSettings, Settings, read_settings

__all__ = ["LOOPBACK", "SECRETS", "VERSION", "BadSettings", "Settings", "read_settings"]
