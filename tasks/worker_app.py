"""The Procrastinate App that workers open: one task per stage, webhooks, and upkeep."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from procrastinate import App, JobContext
from procrastinate.job_context import AbortReason

from app.generation.queue import BUILTIN_QUEUE, STAGE_TASKS, STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOK_TASK, WEBHOOKS_QUEUE
from app.generation.runs.verbs import Run
from app.generation.stages import Stage
from app.services import Services, make_services
from app.services.registration import Registration, name_process
from app.settings import Settings
from app.telemetry.log import configure_logging
from app.telemetry.tracing import start_tracing
from tasks.alerts.alerter import alert, send_alert
from tasks.alerts.contact_watch import watch_contact
from tasks.queue.connector import WorkerConnector
from tasks.queue.contact import Contact
from tasks.queue.inventory import Inventory
from tasks.queue.jobs import Worker, WorkerJobs
from tasks.queue.pulse import Pulse
from tasks.queue.shutdown import Shutdown
from tasks.stages.child_pool import Children
from tasks.stages.runner import Runner
from tasks.upkeep import age, keep_slots, move_limit, prune, rescue_webhooks, take_over
from tasks.webhooks.sender import Sender
from tasks.webhooks.webhook_client import WebhookClient

QUEUES = (STAGES_QUEUE, WEBHOOKS_QUEUE, UPKEEP_QUEUE, BUILTIN_QUEUE)
#: This process, as `coursegen.workers` and `coursegen.attempts` name it.
PROCESS = name_process()
#: The sixth field is for seconds.
HOURLY = "17 * * * * 17"
LIMIT_MOVES = "* * * * * */5"
#: Successful jobs are deleted as they end; the others are kept so long for inspection.
KEPT_HOURS = 7 * 24
#: After an outage no worker counts as dead until each has had the time to be heard again.
UNJUDGED_S = 1e9


class WorkerApp(App):
    """Starts the handlers' processes with a worker that runs stages, and stops them with it."""

    connector: WorkerConnector
    children: Children
    contact: Contact
    services: Services
    inventory: Inventory
    shutdown: Shutdown

    async def run_worker_async(self, **kwargs: Any) -> None:
        """Runs until SIGINT, SIGTERM or SIGHUP, or until the worker serves no more. Ends even if something hangs."""
        settings = self.services.settings
        queues = list(kwargs.pop("queues", None) or QUEUES)
        if STAGES_QUEUE in queues:
            self.children.start()
        if queues == [WEBHOOKS_QUEUE]:
            kwargs.setdefault("concurrency", settings.webhook_concurrency)
        if UPKEEP_QUEUE in queues and STAGES_QUEUE not in queues:
            # Each queued stage wakes all listening sessions. Upkeep can wait, so it polls instead.
            kwargs["listen_notify"] = False
        concurrency = kwargs.get("concurrency", settings.worker_concurrency)
        held, closed = self.inventory.held, self.shutdown.closed
        pulse = Pulse(settings.stalled_s, lambda: closed.is_set() or len(held) >= concurrency)
        # No other process could write either.
        self.connector.on_read_only = pulse.beat
        registration = Registration("worker", settings, places=concurrency if STAGES_QUEUE in queues else 0)
        worker = Worker(kwargs.get("name") or "worker", queues, registration)
        self.job_manager = WorkerJobs(self.connector, worker, pulse, self.contact, held, closed.is_set)
        is_process = kwargs.pop("install_signal_handlers", True)
        run = super().run_worker_async(**kwargs, queues=queues, install_signal_handlers=False)
        beside = [asyncio.create_task(self.inventory.compare())]
        if UPKEEP_QUEUE in queues and settings.alert_webhook_url is not None:
            # After a heartbeat, which may be all that a busy worker asks, and before the loss of its pulse.
            lost_s = (settings.stalled_s + settings.heartbeat_s) / 2
            send = partial(send_alert, settings, WebhookClient())
            beside.append(asyncio.create_task(watch_contact(self.contact, lost_s, send)))
        try:
            if is_process:
                await self.shutdown.run(run, pulse, forever=kwargs.get("wait", True))
            else:
                await run
        finally:
            for each in beside:
                each.cancel()
            self.children.stop()
            self.services.close()


def make_app(settings: Settings) -> WorkerApp:
    """The App with every task registered. Touches no server."""
    configure_logging("worker", settings.log_level, settings.app_env, settings.app_version)
    start_tracing("worker", settings.app_env, settings.app_version, settings.otel_exporter_otlp_endpoint)
    services = make_services(settings)
    inventory = Inventory(services.db, settings.heartbeat_s)
    app = WorkerApp(
        connector=WorkerConnector(settings),
        worker_defaults={
            "concurrency": settings.worker_concurrency,
            "fetch_job_polling_interval": 1.0,  # bounds a lost wake-up
            "listen_notify": not settings.database_pooled,  # LISTEN needs a session
            "abort_job_polling_interval": 1.0,
            # By then `Shutdown` has waited for the jobs.
            "shutdown_graceful_timeout": settings.shutdown_grace_s / 2,
            "update_heartbeat_interval": settings.heartbeat_s,
            "stalled_worker_timeout": settings.stalled_s,
            "delete_jobs": "successful",
            "worker_middleware": [inventory],
        },
        periodic_defaults={"max_delay": 60},
    )
    app.services, app.inventory, app.contact = services, inventory, Contact(settings.stalled_s / 2)
    app.shutdown = Shutdown(settings.shutdown_grace_s, inventory.held)
    app.children = Children(
        settings.worker_concurrency,
        {stage.value: path for stage, path in settings.handlers.items()},
        {stage.value: names for stage, names in settings.handler_variables.items()},
        log_level=settings.log_level,
        # A worker that can start no process runs no stage. Its supervisor starts another.
        on_unavailable=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )

    def run_stages(context: JobContext, generation_id: str, user_id: str, request_id: str | None, fence: int) -> None:
        assert context.job.id is not None  # noqa: S101 - a fetched job has one
        run = Run(UUID(generation_id), UUID(user_id), fence, context.job.id, PROCESS, request_id)
        Runner(
            services, app.children, run, lambda: _abort_reason(app, context), app.shutdown.closed.is_set
        ).run_stages()

    for stage in Stage:
        app.task(name=STAGE_TASKS[stage], queue=STAGES_QUEUE, pass_context=True)(run_stages)
    client = WebhookClient()
    sender = Sender(services, client, app.shutdown.closed.is_set)

    @app.task(name=WEBHOOK_TASK, queue=WEBHOOKS_QUEUE)
    def deliver(generation_id: str) -> None:
        sender.send_all(UUID(generation_id))

    def stalled_s() -> float:
        return settings.stalled_s if app.contact.lasts(settings.stalled_s) else UNJUDGED_S

    def move_own_limit() -> None:
        if app.contact.lasts(settings.stalled_s):  # else the places of live workers may look lost
            move_limit(services, settings.stalled_s)

    # A registered periodic task also keeps Procrastinate's supervision of its own side tasks alive.
    often = f"* * * * * */{settings.upkeep_s}"
    pieces: dict[str, tuple[Callable[[], None], str]] = {
        "take_over": (lambda: take_over(services, stalled_s()), often),
        "keep_slots": (lambda: keep_slots(services), often),
        "rescue_webhooks": (lambda: rescue_webhooks(services, stalled_s()), often),
        "age": (lambda: age(services), often),
        "prune": (lambda: prune(services), HOURLY),
        "alert": (lambda: alert(services, client, 2 * settings.upkeep_s), often),
    }
    if settings.global_concurrency_limit is None:
        pieces["move_limit"] = (move_own_limit, LIMIT_MOVES)
    for name, (piece, cron) in pieces.items():
        # At most one of each waits, however long this queue has had no worker.
        # Alerts are the slowest, and may wait for the others.
        priority = -1 if name == "alert" else 0
        upkeep = app.task(name=f"tasks.upkeep.{name}", queue=UPKEEP_QUEUE, queueing_lock=name, priority=priority)(
            _make_upkeep(piece)
        )
        if name != "alert" or settings.alert_webhook_url is not None:
            app.periodic(cron=cron)(upkeep)

    @app.periodic(cron=HOURLY)
    @app.task(name="tasks.upkeep.remove_jobs", queue=UPKEEP_QUEUE, queueing_lock="remove_jobs")
    async def remove_jobs(timestamp: int) -> None:
        await app.job_manager.delete_old_jobs(
            KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )

    return app


def _abort_reason(app: WorkerApp, context: JobContext) -> AbortReason | None:
    return context.abort_reason() or (AbortReason.SHUTDOWN if app.shutdown.hands_back.is_set() else None)


def _make_upkeep(piece: Callable[[], None]) -> Callable[[int], None]:
    def run_upkeep(timestamp: int) -> None:
        piece()

    return run_upkeep
