"""What operators do at the console: forms with a reason, which call the functions of the commands."""

import logging
import re
import threading
from collections.abc import Callable
from typing import NoReturn
from uuid import UUID

from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response

from app.auth.operators import ConsoleRole
from app.console.access import reading, require
from app.console.languages import translate
from app.generation.audit import Actor
from app.generation.stages import Stage
from app.operations import actions, controls
from app.operations.doctor import CLAUSES
from app.operations.forms import act_once
from app.operations.generations import bulk
from app.operations.generations.filters import FILTERS, BadFilter
from app.services import Services
from app.services.current import current_services
from app.telemetry.printable import inert

blueprint = Blueprint("actions", __name__)
MAX_REASON = 500

log = logging.getLogger(__name__)
#: Runs of this process take turns, batch by batch: pages need connections, too.
_turn = threading.Lock()
Change = Callable[[Services, Actor], str]


@blueprint.post("/generations/<uuid:generation_id>/cancel")
def cancel(generation_id: UUID) -> Response:
    def act(actor: Actor) -> str:
        actions.cancel(current_services(), generation_id, actor)
        return translate("Cancelled. A running handler is stopped within seconds.")

    return _act(ConsoleRole.OPERATOR, f"/generations/{generation_id}", act)


@blueprint.post("/generations/<uuid:generation_id>/retry")
def retry(generation_id: UUID) -> Response:
    def act(actor: Actor) -> str:
        new_id = actions.retry(current_services(), generation_id, actor, source="console")
        return translate("Admitted again as {id}.").format(id=new_id)

    return _act(ConsoleRole.OPERATOR, f"/generations/{generation_id}", act)


@blueprint.post("/generations/<uuid:generation_id>/resend")
def resend(generation_id: UUID) -> Response:
    def act(actor: Actor) -> str:
        numbers = actions.resend_webhook(current_services(), generation_id, None, actor)
        return translate("Will be sent again: {numbers}.").format(numbers=", ".join(map(str, numbers)))

    return _act(ConsoleRole.OPERATOR, f"/generations/{generation_id}", act)


@blueprint.post("/generations/<uuid:generation_id>/priority")
def set_priority(generation_id: UUID) -> Response:
    given = request.form.get("priority", "")
    if not re.fullmatch("[0-9]{1,3}", given) or int(given) not in actions.PRIORITIES:
        _refuse(translate("A priority is a number from 0 to 100."))

    def act(actor: Actor) -> str:
        was = actions.set_priority(current_services(), generation_id, int(given), actor)
        return translate("The priority is {priority}, and was {was}.").format(priority=given, was=was)

    return _act(ConsoleRole.OPERATOR, f"/generations/{generation_id}", act)


@blueprint.post("/slots/rebuild")
def rebuild_slots() -> Response:
    def act(actor: Actor) -> str:
        services = current_services()
        actions.rebuild_slots(services, actor)
        problem = services.slots.problem()
        return f"{translate(CLAUSES['redis'])}: {problem}." if problem else translate("Rebuilt.")

    return _act(ConsoleRole.OPERATOR, "/slots", act)


@blueprint.post("/bulk")
def prepare_run() -> Response:
    """Keeps what an action would take, for the page on which it is confirmed. Nothing has happened yet."""
    operator, form = require(ConsoleRole.OPERATOR), request.form
    if form.get("action") not in bulk.ACTIONS or form.get("scope") not in ("selected", "all"):
        _refuse(translate("Choose an action."))
    given = {name: form[name] for name in FILTERS if form.get(name)}
    try:
        ids = [UUID(each) for each in form.getlist("selected")] if form.get("scope") == "selected" else None
        found = bulk.preview(reading().db, given, form["action"], ids)
    except BadFilter as error:
        _refuse(translate(error.text).format(**error.values))
    except ValueError:
        _refuse(translate(bulk.WHYS["gone"]))
    if not found.ids:
        whys = [f"{translate(bulk.WHYS[why])} ({number})" for why, number in found.skipped.items()]
        _refuse(" ".join([translate("There is nothing to do."), *whys]))
    return redirect(f"/bulk/{bulk.prepare(current_services().db, found, operator.name)}", 303)


@blueprint.post("/bulk/<uuid:run_id>/confirm")
def confirm_run(run_id: UUID) -> Response:
    operator, services = require(ConsoleRole.OPERATOR), current_services()
    reason, rows = _read_reason(), bulk.find_run(reading().db, run_id)["rows"]
    if rows > bulk.UNTYPED and request.form.get("number", "").strip() != str(rows):
        _refuse(translate("Type the number of generations: {rows}.").format(rows=rows))
    if bulk.confirm(services.db, run_id, Actor(operator.name, reason)):
        _work_on(services, run_id)
    return redirect(f"/bulk/{run_id}", 303)


@blueprint.post("/bulk/<uuid:run_id>/continue")
def continue_run(run_id: UUID) -> Response:
    operator, services = require(ConsoleRole.OPERATOR), current_services()
    bulk.find_run(reading().db, run_id)
    if bulk.go_on(services.db, run_id, Actor(operator.name)):
        _work_on(services, run_id)
    return redirect(f"/bulk/{run_id}", 303)


@blueprint.post("/bulk/<uuid:run_id>/stop")
def stop_run(run_id: UUID) -> Response:
    operator = require(ConsoleRole.OPERATOR)
    bulk.find_run(reading().db, run_id)
    bulk.stop(current_services().db, run_id, Actor(operator.name))
    return redirect(f"/bulk/{run_id}", 303)


def _work_on(services: Services, run_id: UUID) -> None:
    """Starts a thread that works through the run. It ends with the process; then an operator continues the run."""

    def work() -> None:
        try:
            bulk.run_all(services, run_id, _turn)
        except Exception:
            log.exception("bulk_run_failed", extra={"run": str(run_id)})

    threading.Thread(target=work, name="bulk", daemon=True).start()


@blueprint.post("/controls")
def change_controls() -> Response:
    require(ConsoleRole.OPERATOR)
    form = request.form
    changes = [name for name in ("admissions", "stages", "limit") if name in form]
    if len(changes) != 1:
        _refuse(translate("The form must name one control."))
    [name] = changes
    is_limit = name == "limit"
    act = _limit_change(form[name]) if is_limit else _pause_change(name, form[name], form.get("stage", ""))
    return _act(ConsoleRole.OPERATOR, "/", lambda actor: act(current_services(), actor), "#controls")


def _limit_change(value: str) -> Change:
    def change(services: Services, actor: Actor) -> str:
        if value == "reset":
            controls.reset_limit(services, actor)
        else:
            controls.set_limit(services, int(value), actor)
        return translate("The limit in force is {limit}.").format(limit=controls.find_limit(services))

    if value != "reset" and not re.fullmatch("[0-9]{1,6}", value, re.ASCII):
        _refuse(translate("The limit must be a number, or reset."))
    return change


def _pause_change(name: str, verb: str, stage: str) -> Change:
    if verb not in ("pause", "resume") or (stage and (name != "stages" or stage not in Stage.__members__)):
        _refuse(translate("The form must pause or resume something that exists."))
    control = controls.stage_control(Stage[stage]) if stage else name

    def change(services: Services, actor: Actor) -> str:
        if verb == "pause":
            controls.pause(services, control, actor)
            return translate("Paused. What runs goes on.")
        controls.resume(services, control, actor)
        return translate("Resumed.")

    return change


def _read_reason() -> str:
    reason = request.form.get("reason", "").strip()
    if not inert(reason).strip() or len(reason) > MAX_REASON or "\0" in reason:
        _refuse(translate("Say why, in at most 500 characters."))
    return reason


def _refuse(sentence: str) -> NoReturn:
    nothing = translate("Nothing was changed.")
    abort(400, f"{sentence} {nothing}")


def _act(role: ConsoleRole, page: str, act: Callable[[Actor], str], place: str = "") -> Response:
    """Acts, once for each form, if the operator has the role; redirects to the place that shows the result."""
    operator, reason = require(role), _read_reason()
    try:
        key = UUID(request.form.get("key", ""))
    except ValueError:
        _refuse(translate("The form has no key. Load the page again."))
    act_once(current_services().db, key, operator.name, lambda: act(Actor(operator.name, reason)), translate)
    return redirect(f"{page}?done={key}{place}", 303)
