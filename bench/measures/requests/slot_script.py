"""`slots`: the slot script's own time inside Redis, by the number of holders."""

from collections.abc import Callable
from typing import Any, NoReturn
from uuid import UUID, uuid4

from redis import Redis

from app.generation.slots.holders import Limits, SlotRequest
from app.generation.slots.keeper import SlotKeeper
from app.generation.slots.key_names import KeyNames, scope_keys
from app.generation.tiers import Tier
from bench.environment.stand import NO_LIMIT
from bench.reporting.figures import BenchError, Figure, Section, Size, below
from stack.redis import RedisServer

SYSTEM, NUMBERS, MARKER = scope_keys(KeyNames("").system)
HOLDERS = (0, 1_000, 100_000)
LIMIT = below(1000)

HOW = (
    "The service's `SlotKeeper` takes and releases a slot for one new user after another, while others hold theirs."
    " The mean is from `INFO commandstats`, p99 and the longest from `INFO latencystats`, both of EVALSHA. Neither"
    " contains the way to Redis."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Figures for each number of holders."""
    figures = []
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        client.config_set("latency-tracking-info-percentiles", "99 100")
        keeper = SlotKeeper(server.url, _no_database)
        try:
            for holders in HOLDERS:
                log(f"slot script, {holders:,} holders, {size.calls} calls")
                _fill(client, holders)
                client.config_resetstat()
                for _ in range(size.calls):
                    generation_id, user_id = uuid4(), uuid4()
                    keeper.take_all([SlotRequest(generation_id, user_id, Tier.FREE, Limits(1, NO_LIMIT))])
                    keeper.release(generation_id, user_id)
                figures += _read(client, holders)
        finally:
            keeper.close()
    return [Section("The slot script inside Redis", HOW, figures)]


def _no_database(users: object) -> NoReturn:
    raise BenchError("the slots' keys were compared with PostgreSQL")


def _fill(client: "Redis", holders: int) -> None:
    """`holders` generations hold the first slots, and the system's keys count as fresh."""
    client.flushdb()
    ids = [str(UUID(int=number)) for number in range(1, holders + 1)]
    for start in range(0, holders, 10_000):
        chunk = ids[start : start + 10_000]
        client.zadd(SYSTEM, dict.fromkeys(chunk, 1_700_000_000.0))
        client.zadd(NUMBERS, {member: start + place for place, member in enumerate(chunk, 1)})
    client.set(MARKER, "fresh")


def _read(client: "Redis", holders: int) -> list[Figure]:
    calls: dict[str, Any] = client.info("commandstats")["cmdstat_evalsha"]
    shares: dict[str, Any] = client.info("latencystats")["latency_percentiles_usec_evalsha"]
    name = f"slot script, {holders:,} holders"
    return [
        Figure(f"{name}, mean", float(calls["usec_per_call"]), "µs", LIMIT),
        Figure(f"{name}, p99", float(shares["p99"]), "µs", LIMIT),
        Figure(f"{name}, longest", float(shares["p100"]), "µs"),
    ]
