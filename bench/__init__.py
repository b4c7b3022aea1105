"""Benchmarks: `python -m bench` measures the service on this machine, on real servers that fsync."""
