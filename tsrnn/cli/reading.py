"""The FILE of a verb that runs a checkpoint, read as its options say."""

from __future__ import annotations

import argparse

from tsrnn.checkpoints import LoadedModel
from tsrnn.cli.parser import OF_PRICES, OF_SERIES, how_to_read
from tsrnn.errors import ConfigError
from tsrnn.protocols import Panel


def read_file(options: argparse.Namespace, loaded: LoadedModel) -> Panel:
    """The panel of FILE, of prices or of other series as the model has them.

    The readers are imported here: a verb without a FILE needs none.

    Raises:
        ConfigError: for an option of the other kind.
        DataError: if the file cannot be used.
    """
    prices = loaded.model.codec.kind == "prices"
    given = how_to_read(options)
    wrong, kinds = (OF_SERIES, ("series", "prices")) if prices else (OF_PRICES, ("prices", "series"))
    for name in given:
        if name in wrong:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} is for a file of {kinds[0]}, and CKPT forecasts {kinds[1]}")
    if prices:
        from tsrnn.data.prices.files import read_prices
        from tsrnn.data.prices.panels import panel_of

        calendar = given.pop("calendar", "auto")
        return panel_of(read_prices(options.file, **given), calendar, options.file)
    from tsrnn.data.panels.ends import at_own_ends
    from tsrnn.data.panels.files import read_series

    return at_own_ends(read_series(options.file, **given), options.file)
