"""Adds up the measured costs: processors and WAL for a number of courses a second."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from bench.reporting.figures import Section

#: Of a course with documents, whose owner's page polls every 3 s for five minutes.
STAGES, POLLS = 4, 100
#: Of a stage, at most.
COMMITS = 2
RATES = (1, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time in the service, PostgreSQL and Redis; kilobytes of WAL."""

    service: float
    postgres: float
    redis: float
    wal: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.service + other.service, self.postgres + other.postgres, self.redis + other.redis, self.wal + other.wal
        )

    def times(self, count: int) -> "Cost":
        return Cost(self.service * count, self.postgres * count, self.redis * count, self.wal * count)


@dataclass(frozen=True, slots=True)
class Course:
    """The cost of one course, without the work of its handlers."""

    admission: Cost
    polls: Cost
    stages: Cost

    @property
    def whole(self) -> Cost:
        return self.admission + self.polls + self.stages


def tables(sections: list[Section]) -> str:
    """Two tables in Markdown: the cost of one course by part, and of many courses a second."""
    values = {figure.name: figure.value for section in sections for figure in section.figures}
    course = Course(
        _cost(values, "admissions"),
        _cost(values, "unchanged polls (304)").times(POLLS),
        _cost(values, "empty stages").times(STAGES),
    )
    whole, cores = course.whole, os.cpu_count() or 1
    full = 1000 * cores / (whole.service + whole.postgres + whole.redis)
    return "\n".join(
        [
            *_pieces(course),
            "",
            *_multiples(course),
            "",
            f"The {cores} cores of the measured machine, with everything on them, are full at about {full:.0f}"
            f" courses a second; one core of PostgreSQL alone at {1000 / whole.postgres:.0f}.",
            "",
        ]
    )


def _pieces(course: Course) -> list[str]:
    costs = {
        "its admission": course.admission,
        f"{POLLS} polls": course.polls,
        f"{STAGES} stages": course.stages,
        "**in all**": course.whole,
    }
    lines = ["| a course | API or worker | PostgreSQL | Redis | WAL |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, cost in costs.items():
        cells = [*(f"{ms:,.1f} ms" for ms in (cost.service, cost.postgres, cost.redis)), f"{cost.wal:,.1f} kB"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _multiples(course: Course) -> list[str]:
    whole = course.whole
    lines = ["| courses a second | API | workers | PostgreSQL | Redis | commits | polls | WAL |"]
    lines.append(f"| ---: |{' ---: |' * 7}")
    for rate in RATES:
        busy_ms = [course.admission.service + course.polls.service, course.stages.service, whole.postgres, whole.redis]
        cores = [f"{ms * rate / 1000:,.1f} cores" for ms in busy_ms]
        often = [f"{rate * each:,}/s" for each in (1 + STAGES * COMMITS, POLLS)]
        lines.append(f"| {' | '.join([f'{rate:,}', *cores, *often, f'{whole.wal * rate / 1000:,.1f} MB/s'])} |")
    return lines


def _cost(values: Mapping[str, float], name: str) -> Cost:
    service, postgres, redis = (values[f"{name}, CPU of {tree}"] for tree in ("server", "PostgreSQL", "Redis"))
    return Cost(service, postgres, redis, values.get(f"{name}, WAL", 0.0))
