"""Measures of the API."""
