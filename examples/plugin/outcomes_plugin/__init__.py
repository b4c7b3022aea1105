"""A plug-in: a package of its own that replaces one stage of the service."""
