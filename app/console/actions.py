"""What operators do at the console: forms with a reason, which call the functions of the commands."""

import re
from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response

from app.auth.operators import ConsoleRole
from app.console.access import require
from app.console.languages import translate
from app.generation.audit import Actor
from app.generation.stages import Stage
from app.operations import actions, controls
from app.operations.doctor import CLAUSES
from app.operations.forms import act_once
from app.services import Services
from app.services.current import current_services

blueprint = Blueprint("actions", __name__)
MAX_REASON = 500

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


@blueprint.post("/slots/rebuild")
def rebuild_slots() -> Response:
    def act(actor: Actor) -> str:
        services = current_services()
        actions.rebuild_slots(services, actor)
        problem = services.slots.problem()
        return f"{translate(CLAUSES['redis'])}: {problem}." if problem else translate("Rebuilt.")

    return _act(ConsoleRole.OPERATOR, "/slots", act)


@blueprint.post("/controls")
def change_controls() -> Response:
    require(ConsoleRole.OPERATOR)
    form = request.form
    changes = [name for name in ("admissions", "stages", "limit") if name in form]
    if len(changes) != 1:
        abort(400, translate("The form must name one control. Nothing was changed."))
    [name] = changes
    is_limit = name == "limit"
    act = _limit_change(form[name]) if is_limit else _pause_change(name, form[name], form.get("stage", ""))
    return _act(ConsoleRole.OPERATOR, "/", lambda actor: act(current_services(), actor))


def _limit_change(value: str) -> Change:
    def change(services: Services, actor: Actor) -> str:
        if value == "reset":
            controls.reset_limit(services, actor)
        else:
            controls.set_limit(services, int(value), actor)
        return translate("The limit in force is {limit}.").format(limit=controls.find_limit(services))

    if value != "reset" and not re.fullmatch("[0-9]{1,6}", value, re.ASCII):
        abort(400, translate("The limit must be a number, or reset. Nothing was changed."))
    return change


def _pause_change(name: str, verb: str, stage: str) -> Change:
    if verb not in ("pause", "resume") or (stage and (name != "stages" or stage not in Stage.__members__)):
        abort(400, translate("The form must pause or resume something that exists. Nothing was changed."))
    control = controls.stage_control(Stage[stage]) if stage else name

    def change(services: Services, actor: Actor) -> str:
        if verb == "pause":
            controls.pause(services, control, actor)
            return translate("Paused. What runs goes on.")
        controls.resume(services, control, actor)
        return translate("Resumed.")

    return change


def _act(role: ConsoleRole, page: str, act: Callable[[Actor], str]) -> Response:
    """Acts, once for each form, if the operator has the role; leads to the page that shows what came of it."""
    operator = require(role)
    reason = request.form.get("reason", "").strip()
    if not 0 < len(reason) <= MAX_REASON or "\0" in reason:
        abort(400, translate("Say why, in at most 500 characters. Nothing was changed."))
    try:
        key = UUID(request.form.get("key", ""))
    except ValueError:
        abort(400, translate("The form has no key. Load the page again. Nothing was changed."))
    act_once(current_services().db, key, operator.name, lambda: act(Actor(operator.name, reason)), translate)
    return redirect(f"{page}?done={key}", 303)
