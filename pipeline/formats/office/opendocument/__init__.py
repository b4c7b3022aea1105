"""OpenDocument: ODT and ODP."""
