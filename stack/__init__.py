"""The service and its servers on one machine: for the demo, for `make run`, for the tests and for `make worker`."""
