"""Backtests: forecasts from many origins, compared and judged."""
