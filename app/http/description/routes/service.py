"""The routes that tell about the service itself."""

from app.http.description import answers, examples
from app.http.description.operations import NOBODY, Operation, Reply

TAG = "Service"

OPERATIONS = [
    Operation(
        method="get",
        path="/livez",
        id="livez",
        tag=TAG,
        summary="Whether the process answers",
        description="Asks no other server. A supervisor restarts what does not answer.",
        replies=(Reply(200, "It does.", answers.LivenessSchema, {"alive": {"status": "ok"}}),),
        security=NOBODY,
    ),
    Operation(
        method="get",
        path="/readyz",
        id="readyz",
        tag=TAG,
        summary="Whether requests can be served",
        description="`checks` says what is the matter. Without Redis the service is `degraded`, and serves.",
        replies=(
            Reply(
                200,
                "Requests are served.",
                answers.ReadinessSchema,
                {"ready": examples.READY, "degraded": examples.DEGRADED},
            ),
            Reply(503, "There is no migrated database.", answers.ReadinessSchema, {"unready": examples.UNREADY}),
        ),
        security=NOBODY,
    ),
    Operation(
        method="get",
        path="/metrics",
        id="metrics",
        tag=TAG,
        summary="What Prometheus asks",
        description=(
            "In Prometheus' text format, or OpenMetrics where `Accept` asks for it. Where the operator has set a "
            "token, the scraper shows it."
        ),
        replies=(
            Reply(
                200,
                "What the processes counted and how the whole stands.",
                {"type": "string"},
                {"first_lines": examples.METRICS},
                mimetypes=("text/plain", "application/openmetrics-text"),
            ),
        ),
        problems=("unauthorized",),
        security=({}, {"metricsToken": []}),
    ),
    Operation(
        method="get",
        path="/openapi.json",
        id="openapi",
        tag=TAG,
        summary="This description",
        description="OpenAPI 3.1. It changes with the release only.",
        replies=(
            Reply(200, "The document.", {"type": "object"}, headers=("ETag", "Cache-Control")),
            Reply(304, "It has not changed since the `ETag` sent.", headers=("ETag", "Cache-Control")),
        ),
        parameters=("ifNoneMatch",),
        security=NOBODY,
    ),
    Operation(
        method="get",
        path="/docs",
        id="docs",
        tag=TAG,
        summary="This description, for people",
        description="One page, which loads nothing else.",
        replies=(
            Reply(200, "The page.", {"type": "string"}, mimetypes=("text/html",), headers=("ETag", "Cache-Control")),
            Reply(304, "It has not changed since the `ETag` sent.", headers=("ETag", "Cache-Control")),
        ),
        parameters=("ifNoneMatch",),
        security=NOBODY,
    ),
]
