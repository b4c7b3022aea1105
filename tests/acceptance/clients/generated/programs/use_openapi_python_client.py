"""Starts, polls and cancels a generation with the client that openapi-python-client made."""

import importlib
import os
import pkgutil
from uuid import UUID

import made_by_openapi_python_client as made
from made_by_openapi_python_client.api.generations import can_cancel, cancel, generate
from made_by_openapi_python_client.api.progress import check_status
from made_by_openapi_python_client.models import (
    Admitted,
    Cancellable,
    Cancelled,
    CourseStatus,
    GenerateRequest,
    GenerationProgress,
    JobError,
    StepStatus,
)
from made_by_openapi_python_client.types import Unset

for module in pkgutil.walk_packages(made.__path__, f"{made.__name__}."):
    importlib.import_module(module.name)

COURSE = os.environ["COURSE_ID"]


def read_status(client: made.AuthenticatedClient) -> tuple[CourseStatus, GenerationProgress]:
    status = check_status.sync(COURSE, client=client)
    assert isinstance(status, CourseStatus)
    assert status.generation_progress is not None
    return status, status.generation_progress


with made.AuthenticatedClient(os.environ["API"], os.environ["TOKEN"]) as client:
    before, progress = read_status(client)
    assert before.current_generation_status is None
    assert not isinstance(progress.files, Unset)
    assert progress.files[0].name == "notes.md"
    assert isinstance(progress.steps, Unset)

    started = generate.sync(client=client, body=GenerateRequest(course_id=UUID(COURSE)))
    assert isinstance(started, Admitted)
    assert started.success is True
    refused = generate.sync(client=client, body=GenerateRequest(course_id=UUID(COURSE)))
    assert isinstance(refused, JobError)
    assert refused.code == "generation_active"
    assert not isinstance(refused.details, Unset)
    assert refused.details.job_id == started.job_id

    _, progress = read_status(client)
    assert progress.percentage == 20
    assert not isinstance(progress.steps, Unset)
    assert [step.status for step in progress.steps] == [StepStatus.COMPLETED, *[StepStatus.PENDING] * 4]

    cancellable = can_cancel.sync(COURSE, client=client)
    assert isinstance(cancellable, Cancellable)
    assert cancellable.can_cancel is True
    cancelled = cancel.sync(COURSE, client=client)
    assert isinstance(cancelled, Cancelled)
    assert cancelled.job_id == started.job_id
    assert read_status(client)[0].current_generation_status == "cancelled"
print("cancelled")
