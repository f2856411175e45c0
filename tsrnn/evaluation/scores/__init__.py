"""Scores of forecasts: of points, of quantiles, of densities."""
