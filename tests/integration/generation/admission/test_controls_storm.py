"""The limit goes up and down while many are admitted and end: no admission exceeds the limit of its moment."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from psycopg.rows import DictRow

from app.generation.audit import Actor
from app.generation.errors import ControlsBusy, GenerationError, SystemFull, UserFull
from app.generation.tiers import Tier
from app.operations import controls
from app.services import Services
from tests.integration.factories import MakeCourse
from tests.integration.generation.admission.test_controls import end
from tests.integration.generation.conftest import Admit, rows

Connection = psycopg.Connection[DictRow]
MakeServices = Callable[..., Services]

#: How long a storm lasts: on a busy machine, until something of everything has happened, but not for ever.
SECONDS, AT_MOST_S, THREADS = 1.3, 25.0, 6
WHO = Actor("storm")

#: Counts at each admission who holds slots, and reads what is in force. Once it is decided, an admission holds the lock
#: until it commits: so the next one counts it. A number that both want makes two wait for one another: one tries again.
PROBE = """
    create table probe (held int, in_force int, held_by_user int, of_tier int);
    create function probe() returns trigger language plpgsql security definer set deadlock_timeout = '10ms' as $$
    begin
        perform pg_sleep(random() * 0.01);
        perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('slots'));
        insert into public.probe select
            count(g.system_slot), coursegen.limit_in_force_v1(3),
            count(g.user_slot) filter (where g.user_id = new.user_id),
            (select t.slots from coursegen.tiers t where t.tier = new.tier)
        from coursegen.generations g where g.user_slot is not null;
        return null;
    end
    $$;
    create trigger probe after insert on coursegen.generations for each row execute function probe();
"""


@pytest.fixture
def probed(conn: Connection) -> Iterator[Connection]:
    conn.execute(PROBE)
    yield conn
    conn.execute("drop function probe cascade")
    conn.execute("drop table probe")
    conn.execute("update coursegen.tiers set slots = 5 where tier = 'PREMIUM'")


@pytest.mark.parametrize("redis_works", ["serves", "forgets", "is away"])
def test_no_admission_exceeds_the_limits_in_force(
    probed: Connection,
    make_services_with: MakeServices,
    redis_client: "redis.Redis",
    make_course: MakeCourse,
    admit_course: Admit,
    redis_works: str,
) -> None:
    processes = [make_services_with(with_redis=redis_works != "is away") for _ in range(2)]
    users, began, active, lock = [uuid4(), uuid4()], time.monotonic(), list[UUID](), threading.Lock()
    courses = [[make_course(user_id=user) for _ in range(40) for user in users] for _ in range(THREADS)]
    said = Counter[Any]()

    def lasts() -> bool:
        lacks = said["admitted"] < 20 or not {SystemFull, UserFull, "changed"} <= said.keys()
        return time.monotonic() - began < (AT_MOST_S if lacks else SECONDS)

    def admit_and_end(number: int) -> None:
        choice, services = random.Random(number), processes[number % 2]
        with psycopg.connect(
            services.settings.database_url, autocommit=True, row_factory=psycopg.rows.dict_row
        ) as conn:
            while lasts() and courses[number]:
                course = courses[number].pop()
                try:
                    generation_id = admit_course(services, course, Tier.PREMIUM)
                    said["admitted"] += 1
                    with lock:
                        active.append(generation_id)
                except GenerationError as error:
                    said[type(error)] += 1
                    courses[number].insert(0, course)
                with lock:
                    ended = active.pop(choice.randrange(len(active))) if active and choice.random() < 0.6 else None
                if ended:
                    end(conn, services, ended)

    def change() -> None:
        choice = random.Random(THREADS)
        while lasts():
            try:
                controls.set_limit(processes[0], choice.choice((3, 4, 8)), WHO)
                controls.set_tier(processes[0], Tier.PREMIUM, choice.choice((1, 2, 5)), None, WHO)
                said["changed"] += 1
            except ControlsBusy:
                said["busy"] += 1
            if redis_works == "forgets":
                redis_client.flushdb()
            time.sleep(choice.random() * 0.05)

    with ThreadPoolExecutor(THREADS + 1) as threads:
        for future in [*(threads.submit(admit_and_end, n) for n in range(THREADS)), threads.submit(change)]:
            future.result(60)
    probes = rows(probed, "select * from probe")
    exceeded = [row for row in probes if row["held"] > row["in_force"] or row["held_by_user"] > row["of_tier"]]
    assert exceeded == [], said
    assert len(probes) == said["admitted"], said
    assert not lasts(), said
