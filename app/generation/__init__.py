"""The domain: what a generation is, when one may start, and how it moves. Knows neither Flask nor HTTP."""
