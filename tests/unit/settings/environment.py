"""Settings read from an environment that a test makes."""

import os
from collections.abc import Mapping
from unittest import mock

import pytest

from app.settings import BadSettings, Settings, read_settings

SECRET = "g7Kq2Zt9Xw4Lr8Vn5Bc1Md6Hs3Jf0PyA"
WEBHOOK_SECRET = "whsec_r6QvX0o1n9Jt2mK8wYcE5uLsB3dPzHfA4gTq7iRkNxU="
REQUIRED = {
    "DATABASE_URL": "postgresql://user:password@localhost:5432/courses",
    "REDIS_URL": "redis://localhost:6379/0",
    "JWT_SECRET": SECRET,
}


def read(**environment: str) -> Settings:
    return read_from({**REQUIRED, **environment})


def read_from(environment: Mapping[str, str]) -> Settings:
    with mock.patch.dict(os.environ, environment, clear=True):
        return read_settings()


def problems(**environment: str) -> dict[str, list[str]]:
    with pytest.raises(BadSettings) as caught:
        read(**environment)
    return caught.value.problems
