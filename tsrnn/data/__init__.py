"""Data: files and frames to panels and token streams, those to batches."""

from tsrnn.data.price_checks import check_prices
from tsrnn.data.price_files import read_prices
from tsrnn.data.price_series import PriceSeries
from tsrnn.data.sample import dataset_path
from tsrnn.data.series_files import read_series
from tsrnn.data.series_panel import SeriesPanel
from tsrnn.data.streams import SeriesChunks, TokenStreams
from tsrnn.data.text_corpus import TextCorpus
from tsrnn.data.windows import BlocksBefore, BlockWindows, RandomWindows
from tsrnn.data.yahoo import Yahoo

__all__ = [
    "BlockWindows",
    "BlocksBefore",
    "PriceSeries",
    "RandomWindows",
    "SeriesChunks",
    "SeriesPanel",
    "TextCorpus",
    "TokenStreams",
    "Yahoo",
    "check_prices",
    "dataset_path",
    "read_prices",
    "read_series",
]
