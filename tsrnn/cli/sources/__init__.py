"""Configurations and classes as they stand in their files: what can be known of them without an import."""
