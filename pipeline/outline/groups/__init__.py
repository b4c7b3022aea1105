"""Neighbouring passages put together into lessons and sections."""
