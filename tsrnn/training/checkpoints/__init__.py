"""Checkpoints: what one holds, how it is written, kept and read."""
