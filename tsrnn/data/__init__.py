"""Data: files and frames to panels, panels to batches."""

from tsrnn.data.price_checks import check_prices
from tsrnn.data.price_files import read_prices
from tsrnn.data.price_series import PriceSeries
from tsrnn.data.sample import dataset_path
from tsrnn.data.streams import SeriesChunks
from tsrnn.data.windows import RandomWindows

__all__ = ["PriceSeries", "RandomWindows", "SeriesChunks", "check_prices", "dataset_path", "read_prices"]
