"""The service and its servers on one machine: for the demo, for `make run` and for the tests."""
