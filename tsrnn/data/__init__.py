"""Data: files and frames to panels and token streams, those to batches."""

from tsrnn.data.loaders.streams import SeriesChunks, TokenStreams
from tsrnn.data.loaders.windows import BlocksBefore, BlockWindows, RandomWindows
from tsrnn.data.panels.files import read_series
from tsrnn.data.panels.series_panel import SeriesPanel
from tsrnn.data.prices.checks import check_prices
from tsrnn.data.prices.files import read_prices
from tsrnn.data.prices.series import PriceSeries
from tsrnn.data.providers.yahoo import Yahoo
from tsrnn.data.sample import dataset_path
from tsrnn.data.source import DataSource
from tsrnn.data.text.corpus import TextCorpus

__all__ = [
    "BlockWindows",
    "BlocksBefore",
    "DataSource",
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
