"""A plug-in: a package that replaces one stage of the service."""
