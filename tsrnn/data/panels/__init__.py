"""Panels of any series: read with their gaps, and served in batches of blocks."""
