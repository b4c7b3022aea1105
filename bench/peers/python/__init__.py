"""Stacks of Python libraries that do what the service does; each runs in an environment of its own."""
