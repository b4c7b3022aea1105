"""Who may use the console: the role that a token's own claim names."""

from enum import StrEnum
from uuid import UUID

from app.auth.authenticator import decoding, present, read_caller
from app.auth.tokens import Keyring, verify_token
from app.generation.tiers import TierNames
from app.settings import Settings


class ConsoleRole(StrEnum):
    """What an operator may do at the console. Each role includes those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "ConsoleRole") -> bool:
        roles = list(ConsoleRole)
        return roles.index(self) >= roles.index(other)


class OperatorTokens:
    """Verifies the access tokens of operators."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keyring = Keyring(settings)
        self._tiers = TierNames(settings.tier_aliases)
        self._config = decoding(self._keyring, settings)

    def identify(self, token: str) -> tuple[UUID, ConsoleRole | None]:
        """The token's user and their role, if its claim names one.

        Raises `jwt.PyJWTError`, ValueError, KeyError and `KeysUnavailable`.
        """
        claims = verify_token(token, self._keyring, self._config)
        user_id = read_caller(claims, self._settings, self._tiers).user_id
        named = next(present(claims, self._settings.console_role_claims), None)
        return user_id, ConsoleRole(named) if named in list(ConsoleRole) else None
