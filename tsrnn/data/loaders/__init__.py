"""Loaders: batches of windows and of streams from what stays in memory."""
