"""Measures of the workers."""
