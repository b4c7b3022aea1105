"""The service's settings. `docs/settings.md` explains each."""

from app.settings.environment import HIDDEN, LOOPBACK, SECRETS, VERSION, BadSettings, Settings, read_settings

__all__ = ["HIDDEN", "LOOPBACK", "SECRETS", "VERSION", "BadSettings", "Settings", "read_settings"]
