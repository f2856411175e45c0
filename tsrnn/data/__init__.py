"""Data: files and frames to panels and token streams, those to batches."""

from typing import TYPE_CHECKING

from tsrnn.exports import publish as _publish

if TYPE_CHECKING:
    from tsrnn.data.loaders.streams import SeriesChunks as SeriesChunks
    from tsrnn.data.loaders.streams import TokenStreams as TokenStreams
    from tsrnn.data.loaders.windows import BlocksBefore as BlocksBefore
    from tsrnn.data.loaders.windows import BlockWindows as BlockWindows
    from tsrnn.data.loaders.windows import RandomWindows as RandomWindows
    from tsrnn.data.pairs.described_vectors import DescribedVectors as DescribedVectors
    from tsrnn.data.pairs.labelled_text import LabelledText as LabelledText
    from tsrnn.data.pairs.parallel_text import ParallelText as ParallelText
    from tsrnn.data.panels.files import read_series as read_series
    from tsrnn.data.panels.series_panel import SeriesPanel as SeriesPanel
    from tsrnn.data.prices.checks import check_prices as check_prices
    from tsrnn.data.prices.files import read_prices as read_prices
    from tsrnn.data.prices.series import PriceSeries as PriceSeries
    from tsrnn.data.providers.yahoo import Yahoo as Yahoo
    from tsrnn.data.sample import dataset_path as dataset_path
    from tsrnn.data.source import DataSource as DataSource
    from tsrnn.data.text.corpus import TextCorpus as TextCorpus

_publish(__name__)
