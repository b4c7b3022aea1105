"""The stacks that are measured beside the service."""
