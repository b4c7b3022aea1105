"""`console`: pages of the operators' console over ninety days of a busy service, and what an open one costs."""

import gzip
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Event
from urllib.parse import quote
from uuid import uuid4

import jwt
import psycopg

from app.auth.minting import AUDIENCE
from bench.environment.debian_tools import ToolMissing
from bench.environment.machine import tree_cpu_s
from bench.environment.stand import Stand
from bench.environment.statements import SQL
from bench.load.generators import best_generator
from bench.load.history import History
from bench.load.python_generator import send_all
from bench.load.ready_courses import create_courses
from bench.load.rounds import Lane, take_turns
from bench.load.slow_browser import first_views_ms
from bench.measures.requests.admissions import WARM_UP, admitted_courses
from bench.reporting.figures import BenchError, Figure, Section, Size, at_least, below, over_rounds, ratio
from stack.server import HOST, free_port
from tasks.supervision.supervisor import Command

INDEXED_MS = 200.0
#: Of filters without an index. A statement is stopped after 2 s; the page that says so is made after that.
SEARCHED_MS = 2500.0
PAGE_KB = 100.0
FIRST_VIEW_MS = 1000.0
TAB_PERCENT = 1.0
TABS = 10
#: How often a page that is open asks for itself.
REFRESH_S = 5.0
#: The console reads what such a page shows once a second at most.
KEPT_S = 1.0

#: As much of PostgreSQL's memory as a small server gives it.
MEMORY = {"shared_buffers": "512MB", "max_wal_size": "8GB"}

HOW = (
    "{generations:,} generations, four starts of stages of each, and {events:,} events over 90 days; 6 % failed, 3 %"
    " were cancelled and {active} are under way. `coursegen console` answers requests one after another; a value is"
    " the time to the last byte. Size is that of the page compressed by gzip. The first view is Chromium's first paint"
    " at 1.6 Mbit/s and 300 ms."
)
HOW_OPEN = (
    f"An open *Now* asks for itself every {REFRESH_S:.0f} s; what PostgreSQL's processes use for one is divided by"
    f" that. Then admissions to an API on the same database, in turn with {TABS} tabs open and with none."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A page, and how many milliseconds it may take. One that is searched may say that the search is too wide."""

    name: str
    path: str
    must_ms: float = INDEXED_MS

    @property
    def statuses(self) -> tuple[int, ...]:
        return (200,) if self.must_ms == INDEXED_MS else (200, 503)


def bench(size: Size, log: Callable[[str], None]) -> list[Section]:
    """The time of each page, the largest, and the cost of open ones to PostgreSQL and to admissions."""
    history, notes = History(size.crowd), [f"Loaded by {best_generator().name}."]
    with Stand(MEMORY) as stand:
        log(f"filling a database with {history.generations:,} generations and {history.events:,} events")
        history.fill(stand.database_url)
        browser = Browser(_start_console(stand), stand.secret)
        log(f"pages, {size.rounds} rounds after a warm-up round")
        pages = list(_measure_pages(browser, _find_pages(stand.database_url), size, log))
        try:
            first = first_views_ms(f"http://{HOST}:{browser.port}/generations", browser.headers, size.rounds + 1)[1:]
            pages.append(over_rounds("the list's first view on a 3G line", first, "ms", below(FIRST_VIEW_MS)))
        except ToolMissing as error:
            notes.append(f"The first view is not measured: {error}.")
            log(notes[-1])
        log("an open page")
        tab = _measure_tab(browser, stand, size)
        admissions = list(_measure_admissions(browser, stand, size, log))
    how = HOW.format(generations=history.generations, events=history.events, active=history.active)
    return [
        Section("The console's pages", how, pages),
        Section("The console's open pages", " ".join([HOW_OPEN, *notes]), [tab, *admissions]),
    ]


def _start_console(stand: Stand) -> int:
    """Returns the port on which it answers."""
    port = free_port()
    environment = stand.environment(CONSOLE_HOST=HOST, CONSOLE_PORT=str(port))
    argv = [sys.executable, "-m", "coursegen", "console"]
    stand.start(Command("console", argv, environment, stand.folder / "console.log"))

    def answers() -> bool:
        with suppress(OSError, HTTPException):
            return Browser(port, stand.secret).get("/healthz")[0] == 200
        return False

    stand.wait_until(answers, "console")
    return port


class Browser:
    """An operator's, on this port."""

    def __init__(self, port: int, secret: str) -> None:
        self.port = port
        claims = {"sub": str(uuid4()), "aud": AUDIENCE, "role": AUDIENCE, "exp": time.time() + 86400}
        token = jwt.encode(claims | {"app_metadata": {"console_role": "operator"}}, secret, algorithm="HS256")
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request("GET", path, headers={**self.headers, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def refresh(self) -> None:
        """As an open *Now* does. Raises `BenchError`."""
        status, _ = self.get("/", {"HX-Request": "true"})
        if status != 200:
            raise BenchError(f"the console answered {status} to an open page")


def _find_pages(database_url: str) -> list[Asked]:
    """Every page, and the list with every filter."""
    with psycopg.connect(database_url) as conn:
        row = conn.execute(SQL["find_one_of_each"]).fetchone()
        if row is None:
            raise BenchError("the database has no generation that failed")
        generation, course, slug, user, request, later = row
    filters = {
        "no filter": "",
        "under way": "status=running",
        "completed": "status=completed",
        "failed": "status=failed",
        "cancelled": "status=cancelled",
        "user": f"user={user}",
        "course": f"course={course}",
        "slug": f"course={slug}",
        "generation": f"id={generation}",
        "tier": "tier=FREE",
        "stage": "stage=TEXT_GENERATION",
        "no progress for": "stuck=15m",
        "last day": "since=24h",
        "a day": "since=61d&until=60d",
        "a day's failed": "since=61d&until=60d&status=failed",
        "frequent event": "event=concurrency_limit_hit",
        "event": "event=worker_timeout",
        "rare event": "event=rpc_retry_exhausted",
        "event of our own": "event=document_reader_failed",
        "a user's failed": f"user={user}&status=failed",
        "next page": f"after={later}",
    }
    pages = {"*Now*": "/", "one generation": f"/generations/{generation}"}
    pages |= {name: f"/{name}" for name in ("workers", "queue", "slots", "webhooks", "events", "audit", "settings")}
    pages |= {"webhooks that failed": "/webhooks?view=failed", "webhooks that wait": "/webhooks?view=pending"}
    pages |= {"events of a rare type": "/events?type=rpc_retry_exhausted&since=90d"}
    searched = {"error": "error=answered+500", "error of none": "error=nothing+like+it"}
    searched |= {"request": f"request={request}", "rare tier": "tier=TRIAL"}
    searched |= {"title": f"course={quote('возражениями 777')}", "title of none": f"course={quote('ничего такого')}"}
    return [
        *(Asked(name, path) for name, path in pages.items()),
        *(Asked(f"list, {name}", f"/generations?{query}") for name, query in filters.items()),
        *(Asked(f"search, {name}", f"/generations?{query}", SEARCHED_MS) for name, query in searched.items()),
    ]


def _measure_pages(browser: Browser, pages: list[Asked], size: Size, log: Callable[[str], None]) -> Iterator[Figure]:
    sizes: list[float] = []
    took: dict[str, list[float]] = {page.name: [] for page in pages}
    for number in range(size.rounds + 1):
        for page in pages:
            if page.path == "/":
                time.sleep(KEPT_S * 1.1)
            began = time.perf_counter()
            status, body = browser.get(page.path)
            ms = 1000 * (time.perf_counter() - began)
            if status not in page.statuses:
                raise BenchError(f"the console answered {status} to {page.path}")
            log(f"{f'round {number}' if number else 'warm-up'}: {page.name}: {ms:.0f} ms ({status})")
            sizes.append(len(gzip.compress(body)) / 1000)
            if number:
                took[page.name].append(ms)
    for page in pages:
        yield over_rounds(page.name, took[page.name], "ms", below(page.must_ms))
    yield Figure("the largest page", max(sizes), "kB", below(PAGE_KB))


def _measure_tab(browser: Browser, stand: Stand, size: Size) -> Figure:
    shares, refreshes = [], max(1, size.calls // 200)
    for _ in range(size.rounds):
        assert stand.postgres.pid is not None
        before = tree_cpu_s(stand.postgres.pid)
        for _ in range(refreshes):
            time.sleep(KEPT_S * 1.1)
            browser.refresh()
        shares.append(100 * (tree_cpu_s(stand.postgres.pid) - before) / refreshes / REFRESH_S)
    return over_rounds("an open *Now*, of a core of PostgreSQL's", shares, "%", below(TAB_PERCENT))


def _measure_admissions(browser: Browser, stand: Stand, size: Size, log: Callable[[str], None]) -> Iterator[Figure]:
    port = stand.start_api()
    fresh = iter(create_courses(stand.database_url, stand.secret, 2 * admitted_courses(size)))
    log(f"admissions with and without open tabs, {size.rounds} rounds of {size.requests}")
    with _tabs(browser) as opened:

        def lane(name: str, is_open: bool) -> Lane:
            def prepare() -> list[bytes]:
                opened.clear()
                send_all(port, [next(fresh).generate for _ in range(WARM_UP)])
                if is_open:
                    opened.set()
                return [next(fresh).generate for _ in range(size.requests)]

            return Lane(name, port, 200, prepare, stand.trees("api"), stand.database_url)

        names = {"admissions, no tab open": False, f"admissions, {TABS} tabs open": True}
        without, beside = take_turns([lane(name, is_open) for name, is_open in names.items()], size, log)
    yield ratio(f"admissions a second, {TABS} tabs open to none", beside.rate(), without.rate(), at_least(0.95))
    yield from (figure for rounds in (without, beside) for figure in (rounds.rate(), rounds.latency("p95")))


@contextmanager
def _tabs(browser: Browser) -> Iterator[Event]:
    """While the event is set, each of the tabs asks every `REFRESH_S`."""
    opened, over = Event(), Event()

    def ask(number: int) -> None:
        over.wait(number * REFRESH_S / TABS)
        while not over.is_set():
            if opened.wait(0.1):
                browser.refresh()
                over.wait(REFRESH_S)

    with ThreadPoolExecutor(TABS) as threads:
        asking = [threads.submit(ask, number) for number in range(TABS)]
        try:
            yield opened
        finally:
            over.set()
        for tab in asking:
            tab.result()
