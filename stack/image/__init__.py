"""`make image`: the Dockerfile's image is built, measured, and generates a course."""
