"""The console script: `coursegen`, or `python -m coursegen` in the checkout."""
