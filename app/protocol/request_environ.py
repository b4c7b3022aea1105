"""How the server tells the application, in the WSGI environment, what it knows of a request."""

from enum import StrEnum

#: The largest request body, in bytes. The application gets no more than one byte beyond it.
MAX_BODY = 64 * 1024

#: The key of the time when the request's head had arrived, by `time.monotonic`.
ARRIVED = "coursegen.arrived"
#: The key of the `Rejection` to respond with, on every route.
REJECTED = "coursegen.rejected"


class Rejection(StrEnum):
    """Why no route should act on a request: the code of the error."""

    BAD_REQUEST = "bad_request"
    REQUEST_TIMEOUT = "request_timeout"
    URI_TOO_LONG = "uri_too_long"
    HEADERS_TOO_LARGE = "request_header_fields_too_large"
    NOT_IMPLEMENTED = "not_implemented"
