"""FastAPI, asyncpg and taskiq on a Redis stream: the step and the message are written one after the other."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID, uuid4

import asyncpg
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from redis.asyncio import Redis
from taskiq import Context, SimpleRetryMiddleware, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from bench.peers.python.bearer import UNAUTHORIZED, User, verify
from bench.peers.python.stack_settings import (
    ADMITTED,
    DATABASE_URL,
    FIRST_STAGE,
    LAST_STAGE,
    MESSAGES,
    POOL_SIZE,
    REDIS_URL,
    STAGE_S,
    STATEMENTS,
    SYSTEM_LIMIT,
    TAKE_SLOTS,
    URGENCY,
    USER_LIMITS,
    slot_keys,
)

log = logging.getLogger("taskiq_stack")

#: A stream has no priorities, so there is one stream for each; what has begun goes first.
BEGUN = "courses:begun"
STREAMS = {urgency: f"courses:{urgency}" for urgency in sorted(set(URGENCY.values()), reverse=True)}

broker = RedisStreamBroker(
    REDIS_URL,
    queue_name=BEGUN,
    additional_streams=dict.fromkeys(STREAMS.values(), ">"),
    # A worker also reads what was added before it first started.
    consumer_id="0",
    xread_count=10,
    unacknowledged_lock_timeout=30,
).with_middlewares(SimpleRetryMiddleware(default_retry_count=3, default_retry_label=True))


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_connections(state: TaskiqState) -> None:
    """The worker's process has its pool and its client."""
    state.pool = await asyncpg.create_pool(DATABASE_URL, min_size=1, max_size=POOL_SIZE)
    state.slots = Redis.from_url(REDIS_URL)


@broker.task(task_name="run_stage")
async def run_stage(course_id: str, user_id: str, step: int, context: Annotated[Context, TaskiqDepends()]) -> None:
    """Runs one stage and enqueues the next."""
    state, course = context.state, UUID(course_id)
    async with state.pool.acquire() as conn:
        await conn.fetchrow(STATEMENTS["read_course"], course)
        await _move(conn, course, step, "in_progress")
    await asyncio.sleep(STAGE_S)
    async with state.pool.acquire() as conn:
        await _move(conn, course, step, "completed")
    if step < LAST_STAGE:
        await run_stage.kiq(course_id, user_id, step + 1)
    else:
        user, system = slot_keys(user_id)
        await state.slots.pipeline().decr(user).decr(system).execute()
    log.info("stage completed course=%s step=%s", course_id, step)


async def _move(conn: asyncpg.Connection, course: UUID, step: int, status: str) -> None:
    await conn.fetchval(STATEMENTS["move_step"], course, step, status, MESSAGES[status])


class Order(BaseModel):
    """The request's body."""

    courseId: UUID  # noqa: N815


class Admitted(BaseModel):
    """The body of a 200."""

    success: bool
    jobId: str  # noqa: N815
    message: str


@asynccontextmanager
async def connections(front: FastAPI) -> AsyncIterator[None]:
    """The API's pool, client and broker are open."""
    state = front.state
    state.pool = await asyncpg.create_pool(DATABASE_URL, min_size=1, max_size=POOL_SIZE)
    state.slots = Redis.from_url(REDIS_URL)
    state.take_slots = state.slots.register_script(TAKE_SLOTS)
    await broker.startup()
    yield
    await broker.shutdown()
    await state.slots.aclose()
    await state.pool.close()


front = FastAPI(lifespan=connections)


async def read_user(authorization: Annotated[str, Header()] = "") -> User:
    """The token's user; raises a 401."""
    if (user := verify(authorization)) is None:
        raise HTTPException(401, UNAUTHORIZED)
    return user


@front.get("/readyz")
async def ready() -> dict[str, str]:
    """The API answers."""
    return {"status": "ready"}


@front.post("/api/coursegen/generate")
async def generate(order: Order, user: Annotated[User, Depends(read_user)]) -> Admitted:
    """Admits a generation."""
    state = front.state
    course = await state.pool.fetchrow(STATEMENTS["find_course"], order.courseId)
    if course is None:
        raise HTTPException(404, "Course not found")
    if str(course["user_id"]) != user.user_id:
        raise HTTPException(403, "Forbidden: You do not have access to this course")
    if course["is_active"]:
        raise HTTPException(409, "The course is already being generated")
    keys = slot_keys(user.user_id)
    if full := await state.take_slots(keys=keys, args=[USER_LIMITS[user.tier], SYSTEM_LIMIT]):
        raise HTTPException(429, f"Too many concurrent jobs: {full.decode()}")
    job_id = str(uuid4())
    try:
        metadata = json.dumps({"job_id": job_id, "tier": user.tier})
        await state.pool.fetchval(STATEMENTS["complete_first_step"], order.courseId, metadata)
        message = run_stage.kicker().with_task_id(job_id).with_labels(queue_name=STREAMS[URGENCY[user.tier]])
        await message.kiq(str(order.courseId), user.user_id, FIRST_STAGE)
    except Exception:
        await state.slots.pipeline().decr(keys[0]).decr(keys[1]).execute()
        log.exception("rolled back course=%s", order.courseId)
        raise HTTPException(500, "Не удалось инициализировать генерацию курса. Попробуйте позже.") from None
    log.info("admitted user=%s tier=%s course=%s job=%s", user.user_id, user.tier, order.courseId, job_id)
    return Admitted(success=True, jobId=job_id, message=ADMITTED)
