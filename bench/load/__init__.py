"""Requests and how they are sent."""
