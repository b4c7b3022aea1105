"""The parts of the benchmarks, by the name that `--only` takes, in the order of a whole run."""

from bench.measures.requests import (
    admissions,
    console_pages,
    full_database,
    full_users,
    platform_cost,
    polls,
    pooler_cost,
    processor_profile,
    round_trips,
    slot_script,
)
from bench.measures.workers import empty_stages, memory_use, pickups, stacks, step_moves
from bench.reporting.figures import Bench

MEASURES: dict[str, Bench] = {
    "admissions": admissions.bench,
    "stacks": stacks.bench,
    "refusals": full_users.bench,
    "polls": polls.bench,
    "slots": slot_script.bench,
    "pickups": pickups.bench,
    "stages": empty_stages.bench,
    "progress": step_moves.bench,
    "growth": full_database.bench,
    "platform": platform_cost.bench,
    "pooler": pooler_cost.bench,
    "wire": round_trips.bench,
    "sampling": processor_profile.bench,
    "memory": memory_use.bench,
    "console": console_pages.bench,
}
