"""Settings of estimators that are fitted in a moment."""

TINY = {
    **{"max_epochs": 1, "batches_per_epoch": 3, "batch_size": 8, "hidden_size": 8, "embedding_size": 4},
    "progress": False,
}
PRICES = {**TINY, "window_length": 40, "warm_up": 10, "calendar": "24/5"}
SERIES = {**TINY, "kind": "series", "horizon": 4}
