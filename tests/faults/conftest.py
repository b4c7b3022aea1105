"""One house for all tests, as new for each of them.

Its clocks run about ten times as fast, so that many faults fit into a few minutes. `make faults` lets them run as
they ship, and writes what it measured into `docs/reliability.md`.
"""

from collections.abc import Iterator

import pytest

from tests.faults.support.house import House
from tests.faults.support.measure import Measure


class Landlord:
    """Has one house at most; it is built when first asked for, and again after a test that failed in it."""

    def __init__(self) -> None:
        self._house: House | None = None
        self._failed = 0

    def let(self, failed: int) -> House:
        """The house as new. `failed` counts the tests that failed so far."""
        if failed > self._failed:
            self._failed = failed
            self.close()
        if self._house is None:
            self._house = House().start()
        self._house.reset()
        return self._house

    def close(self) -> None:
        if self._house is not None:
            self._house.stop()
            self._house = None


@pytest.fixture(scope="session")
def landlord() -> Iterator[Landlord]:
    landlord = Landlord()
    yield landlord
    landlord.close()


@pytest.fixture
def house(landlord: Landlord, request: pytest.FixtureRequest) -> House:
    return landlord.let(request.session.testsfailed)


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    return Measure(request.node.user_properties)
