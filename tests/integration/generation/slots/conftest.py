"""What the tests of slots share: one claim in one call, and a look at the keys."""

from collections.abc import Callable
from uuid import UUID

import pytest
import redis

from app.generation.errors import SlotsFull
from app.generation.slots.holders import Limits, SlotRequest, Slots
from app.generation.slots.keeper import SlotKeeper
from app.generation.slots.key_names import KeyNames, scope_keys
from app.generation.tiers import Tier
from app.services import Services

MakeServices = Callable[..., Services]
Redis = redis.Redis

NAMES = KeyNames("")
SYSTEM, NUMBERS, MARKER = scope_keys(NAMES.system)


#: How many generations of a user of each tier may be active.
USER_LIMITS = dict(zip(Tier, (1, 2, 3, 5, 5), strict=True))
#: A system's limit that is out of reach.
SYSTEM_LIMIT = 100


@pytest.fixture
def keeper(make_services_with: MakeServices) -> SlotKeeper:
    return make_services_with().slots


def claim(user_id: UUID, generation_id: UUID, tier: Tier = Tier.FREE, system_limit: int = SYSTEM_LIMIT) -> SlotRequest:
    return SlotRequest(generation_id, user_id, tier, Limits(USER_LIMITS[tier], system_limit))


def take(
    keeper: SlotKeeper,
    user_id: UUID,
    generation_id: UUID,
    tier: Tier = Tier.FREE,
    system_limit: int = SYSTEM_LIMIT,
) -> Slots:
    """Returns the slots; raises the refusal."""
    [answer] = keeper.take_all([claim(user_id, generation_id, tier, system_limit)])
    if isinstance(answer, SlotsFull):
        raise answer
    assert answer is not None
    return answer


def numbers_of(client: Redis, scope: str) -> list[int]:
    """The numbers of the scope's holders, in order."""
    numbers = scope_keys(scope)[1]
    return sorted(int(client.zscore(numbers, str(member)) or 0) for member in client.zrange(numbers, 0, -1))


def make_older(client: Redis, scope: str, generation_id: object, seconds: int = 11) -> None:
    """The holder took its slot so many seconds earlier; by default too early for an admission under way."""
    client.zincrby(scope, -seconds, str(generation_id))
