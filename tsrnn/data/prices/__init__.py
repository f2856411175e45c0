"""Prices: read strictly, checked, and served in batches."""
