"""The pages. All of them only read."""
