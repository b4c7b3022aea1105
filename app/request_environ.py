"""The keys by which the server tells the application, in the WSGI environment, what it knows of a request."""

#: When the request's head had arrived, by `time.monotonic`.
ARRIVED = "coursegen.arrived"
#: The code of the error to respond with, whatever the route: the request is not one to act on.
REJECTED = "coursegen.rejected"
