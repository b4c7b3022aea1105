"""The queue's names, as the domain uses them. SQL queues the jobs (`coursegen.stage_job`, `schedule_delivery`)."""

from app.generation.stages import Stage

STAGES_QUEUE = "stages"
UPKEEP_QUEUE = "upkeep"
WEBHOOKS_QUEUE = "webhooks"
#: Those that workers must serve, in the order in which they are shown.
QUEUES = (STAGES_QUEUE, UPKEEP_QUEUE, WEBHOOKS_QUEUE)

#: One task a stage. A generation's job is named for the stage it began with and runs the next ones as well.
STAGE_TASKS = {stage: f"tasks.stages.{stage.value.lower()}" for stage in Stage}
WEBHOOK_TASK = "tasks.webhooks.deliver"
#: Before the generation's id in the queueing lock of its webhook's job.
WEBHOOK_LOCK = "webhook:"
#: Held by the last start of a stage that may be what kills its workers.
SUSPECTS_LOCK = "suspects"
#: Of the tasks that come with the queue's library.
BUILTIN_QUEUE = "builtin"
#: Runs only where `ALERT_WEBHOOK_URL` is set.
ALERT_TASK = "tasks.upkeep.alert"
#: Runs only with a dynamic limit.
LIMIT_TASK = "tasks.upkeep.move_limit"
#: Upkeep's periodic tasks, by name: the seconds between two runs, `UPKEEP_S` if None.
PERIODIC = {
    "tasks.upkeep.take_over": None,
    "tasks.upkeep.keep_slots": None,
    "tasks.upkeep.rescue_webhooks": None,
    "tasks.upkeep.age": None,
    LIMIT_TASK: 5,
    "tasks.upkeep.prune": 3600,
    "tasks.upkeep.remove_jobs": 3600,
    ALERT_TASK: None,
}
