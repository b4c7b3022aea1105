"""`sampling`: the API's processor time for an admission by package, from a sampling profiler.

As a process of its own, `python -m bench.measures.requests.processor_profile`, it runs
the requests of one file and writes its figures into another.
"""

import io
import json
import logging
import pickle
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from werkzeug.test import run_wsgi_app

from bench.environment.machine import speed
from bench.environment.stand import Stand
from bench.load.python_generator import LONGEST_S
from bench.load.ready_courses import create_courses
from bench.reporting.figures import BenchError, Figure, Section, Size
from tasks.supervision.workers import ROOT

WARM_UP = 200
#: Of processor time; the kernel's tick is the shortest that works.
EVERY_S = 0.004
#: Packages with a smaller share are shown together.
SHOWN = 0.01

HOW = (
    "One admission after another through the WSGI application, in a warm process without its HTTP server. Every"
    f" {EVERY_S * 1000:.0f} ms of processor time, a sample counts for the innermost frame of this project, of a"
    f" package or of logging; the standard library and C code count for their callers. {{samples:,}} samples; Python"
    f" takes {{build}}. The HTTP server's share is in the CPU under Admissions."
)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """Microseconds of processor time of an admission, by package."""
    log(f"where the processor time goes, {size.sampled} admissions one after another")
    with Stand() as stand:
        courses = create_courses(stand.database_url, stand.secret, WARM_UP + 2 * size.sampled)
        plan, outcome = stand.folder / "plan", stand.folder / "outcome"
        plan.write_bytes(pickle.dumps([course.generate for course in courses]))
        with (stand.folder / "api.log").open("wb") as output:
            done = subprocess.run(
                [sys.executable, "-m", "bench.measures.requests.processor_profile", str(plan), str(outcome)],
                cwd=ROOT,
                env=stand.environment(),
                stdout=output,
                stderr=subprocess.PIPE,
                timeout=LONGEST_S,
                check=False,
            )
        if done.returncode:
            raise BenchError(f"the profile failed: {done.stderr.decode(errors='replace')[-2000:]}")
        spent: dict[str, Any] = json.loads(outcome.read_text())
    packages = Counter(spent["samples"])
    whole_us = spent["user_us"] + spent["system_us"]
    shown = {name: count for name, count in packages.most_common() if count >= SHOWN * packages.total()}
    shown["everything else"] = packages.total() - sum(shown.values())
    return [
        Section(
            "Processor time of an admission in the API, by package",
            HOW.format(samples=packages.total(), build=speed()),
            [
                Figure("all of it", whole_us, "µs"),
                Figure("of it in the kernel", spent["system_us"], "µs"),
                *(Figure(name, whole_us * count / packages.total(), "µs") for name, count in shown.items()),
            ],
        )
    ]


def main() -> None:
    plan, outcome = map(Path, sys.argv[1:])
    from app import create_app

    app = create_app()
    environs = [_environ(request) for request in pickle.loads(plan.read_bytes())]
    half = (len(environs) - WARM_UP) // 2
    _admit(app, environs[:WARM_UP])
    before = resource.getrusage(resource.RUSAGE_SELF)
    _admit(app, environs[WARM_UP : WARM_UP + half])
    after = resource.getrusage(resource.RUSAGE_SELF)
    samples = _sample(lambda: _admit(app, environs[WARM_UP + half :]))
    app.extensions["services"].close()
    spent = {
        "user_us": (after.ru_utime - before.ru_utime) / half * 1e6,
        "system_us": (after.ru_stime - before.ru_stime) / half * 1e6,
        "samples": samples,
    }
    outcome.write_text(json.dumps(spent))


def _environ(request: bytes) -> dict[str, Any]:
    """The WSGI environment of the request."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split()
    headers = dict(line.split(": ", 1) for line in lines)
    length, kind = headers.pop("Content-Length"), headers.pop("Content-Type")
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return named | {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": length,
        "CONTENT_TYPE": kind,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }


def _admit(app: Flask, environs: list[dict[str, Any]]) -> None:
    for environ in environs:
        _, status, _ = run_wsgi_app(app, environ)
        if not status.startswith("200"):
            raise BenchError(f"an admission was answered with {status}")


def _sample(run: Callable[[], None]) -> Counter[str]:
    """Samples in each package."""
    samples: Counter[str] = Counter()

    def note(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if package := _package(frame.f_code.co_filename):
                samples[package] += 1
                return
            frame = frame.f_back

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    try:
        run()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return samples


def _package(file: str) -> str | None:
    """The package of the file; None for the standard library, which counts for its caller."""
    _, installed, name = file.rpartition("/site-packages/")
    if installed:
        return name.partition("/")[0].removesuffix(".py")
    path = Path(file)
    if path.is_relative_to(ROOT):
        return "/".join(path.relative_to(ROOT).parts[:2])
    return "logging" if file.startswith(str(Path(logging.__file__).parent)) else None


if __name__ == "__main__":
    main()
