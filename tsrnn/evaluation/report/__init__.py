"""Pictures and pages: what a forecast or a backtest looks like."""
