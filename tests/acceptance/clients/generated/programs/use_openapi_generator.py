"""Starts, polls and cancels a generation with the client that openapi-generator made."""

import importlib
import os
import pkgutil

import made_by_openapi_generator as client
from made_by_openapi_generator.exceptions import ApiException
from made_by_openapi_generator.models import GenerateRequest, StepStatus

for module in pkgutil.walk_packages(client.__path__, f"{client.__name__}."):
    importlib.import_module(module.name)

COURSE = os.environ["COURSE_ID"]
configuration = client.Configuration(host=os.environ["API"], access_token=os.environ["TOKEN"])
with client.ApiClient(configuration) as connection:
    generations, progress = client.GenerationsApi(connection), client.ProgressApi(connection)

    before = progress.check_status(COURSE)
    assert before.current_generation_status is None
    assert before.generation_progress.files[0].name == "notes.md"
    assert before.generation_progress.steps is None

    started = generations.generate(GenerateRequest(course_id=COURSE))
    assert started.success is True
    try:
        generations.generate(GenerateRequest(course_id=COURSE))
        raise AssertionError("a course has one active generation")
    except ApiException as error:
        assert (error.status, error.data.code, error.data.details.job_id) == (409, "generation_active", started.job_id)

    running = progress.check_status(COURSE)
    assert running.generation_progress.percentage == 20
    statuses = [step.status for step in running.generation_progress.steps]
    assert statuses == [StepStatus.COMPLETED, *[StepStatus.PENDING] * 4]

    assert generations.can_cancel(COURSE).can_cancel is True
    assert generations.cancel(COURSE).job_id == started.job_id
    assert progress.check_status(COURSE).current_generation_status == "cancelled"

    trpc = client.TRPCApi(connection).generation_status(client.CourseInput(course_id=COURSE))
    assert trpc.result.data.current_generation_status == "cancelled"
print("cancelled")
