from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from tsrnn.evaluation.report.plots import fan_chart
from tsrnn.forecasts import Forecast
from tsrnn.protocols import Panel

HORIZON = 10
DATES = pd.bdate_range("2020-01-01", periods=400).to_numpy()
INTEGERS = np.arange(400)


def example(
    ds: npt.NDArray[Any],
    *,
    series: int = 3,
    volatility: float = 0.01,
    past: tuple[int, ...] = (250, 300, 340),
) -> tuple[Panel, Forecast, Forecast]:
    """Random walks with a late starter, an early end, and their forecasts at the end and at `past`."""
    generator = np.random.default_rng(0)
    steps = volatility * generator.standard_normal((series, len(ds)))
    values = 100 * np.exp(np.cumsum(steps, axis=1))
    values[1, :320] = np.nan
    values[2, -30:] = np.nan
    names = tuple(f"S{number}" for number in range(series))
    beyond = ds[-1] + (ds[1] - ds[0]) * np.arange(1, HORIZON + 1)
    every = np.concatenate([ds, beyond])

    def forecast(origins: tuple[int, ...]) -> Forecast:
        last = values[:, list(origins)].T
        moves = volatility * generator.standard_normal((len(origins), series, 200, HORIZON))
        return Forecast(
            names,
            ds[list(origins)],
            np.stack([every[origin + 1 : origin + 1 + HORIZON] for origin in origins]),
            last[:, :, None, None] * np.exp(np.cumsum(moves, axis=3)),
            last,
        )

    return Panel(names, ds, values), forecast((len(ds) - 1,)), forecast(past)


def bands(axis: Axes) -> list[FillBetweenPolyCollection]:
    return [artist for artist in axis.collections if isinstance(artist, FillBetweenPolyCollection)]


def edges(band: FillBetweenPolyCollection) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Positions of a band, and its lowest and highest point at each."""
    (path,) = band.get_paths()
    across, values = np.asarray(path.vertices).T
    positions = np.unique(across)
    at = [values[across == position] for position in positions]
    return positions, np.array([here.min() for here in at]), np.array([here.max() for here in at])


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


@pytest.mark.parametrize("ds", [DATES, INTEGERS], ids=["dates", "integers"])
def test_one_row_a_series_saved_without_pyplot(ds: npt.NDArray[Any], tmp_path: Path) -> None:
    panel, forecast, past = example(ds)
    kind: Literal["prices", "series"] = "prices" if ds is DATES else "series"
    panel = replace(panel, kind=kind)
    figure = fan_chart(panel, forecast, past=past, currency="USD", title="A title")
    assert [axis.get_ylabel() for axis in figure.axes] == ["S0 (USD)", "S1 (USD)", "S2 (USD)"]
    figure.savefig(tmp_path / "fan.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "fan.png").shape
    assert (width, height) == (1800, round(150 * (2.3 * 3 + 0.6)))
    (legend,) = (axis.get_legend() for axis in figure.axes if axis.get_legend())
    labels = [text.get_text() for text in legend.get_texts()]
    name = "price" if kind == "prices" else "observed"
    assert labels == [name, "80 % interval", "95 % interval", "median forecast"]
    assert {"A title", "beyond the data"} <= texts(figure)
    pyplot = pytest.importorskip("matplotlib.pyplot")
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("ds", [DATES, INTEGERS], ids=["dates", "integers"])
def test_bands_are_the_quantiles_of_the_forecasts(ds: npt.NDArray[Any]) -> None:
    panel, forecast, past = example(ds)
    axis = fan_chart(panel, forecast, past=past, levels=(80, 95)).axes[0]
    drawn = bands(axis)
    assert len(drawn) == 2 * 4
    expected = [
        (made.origins[row], made.ds[row], made.interval(level), made.last[row, 0], row)
        for made, rows in ((past, range(3)), (forecast, range(1)))
        for row in rows
        for level in (80, 95)
    ]
    for band, (origin, steps, (low, high), last, row) in zip(drawn, expected, strict=True):
        positions, lowest, highest = edges(band)
        where = np.append(origin, steps)
        np.testing.assert_allclose(positions, date2num(where) if ds.dtype.kind == "M" else where)
        np.testing.assert_array_equal(lowest, np.append(last, low[row, 0]))
        np.testing.assert_array_equal(highest, np.append(last, high[row, 0]))


def test_the_median_and_the_price_are_drawn() -> None:
    panel, forecast, _ = example(DATES)
    price, median, origin = fan_chart(panel, forecast, context=50).axes[0].get_lines()
    np.testing.assert_array_equal(price.get_ydata(), panel.values[0, -50:])
    np.testing.assert_array_equal(np.asarray(median.get_ydata())[1:], forecast.quantile(0.5)[0, 0])
    assert np.asarray(origin.get_xdata()).tolist() == [date2num(DATES[-1])] * 2


def test_the_view_reaches_back_to_the_first_past_origin() -> None:
    panel, forecast, past = example(INTEGERS)
    assert fan_chart(panel, forecast, past=past, context=20).axes[0].get_xlim()[0] == 245
    assert fan_chart(panel, forecast, context=20).axes[0].get_xlim()[0] == 380
    assert fan_chart(panel, forecast, context=4000).axes[0].get_xlim()[0] == 0


def test_of_past_fans_that_overlap_the_later_is_drawn() -> None:
    panel, forecast, past = example(INTEGERS, past=(330, 340, 345, 355, 395))
    drawn = bands(fan_chart(panel, forecast, past=past, levels=(80,)).axes[0])
    assert [edges(band)[0][0] for band in drawn] == [330, 345, 355, 399]


def test_log_scale_only_for_a_wide_range() -> None:
    panel, forecast, _ = example(DATES)
    assert fan_chart(panel, forecast).axes[0].get_yscale() == "linear"
    wide, forecast, _ = example(DATES, volatility=0.1)
    assert fan_chart(wide, forecast, context=400).axes[0].get_yscale() == "log"
    below_zero = Panel(wide.unique_ids, wide.ds, wide.values - 100)
    assert fan_chart(below_zero, forecast, context=400).axes[0].get_yscale() == "linear"


def test_a_series_without_values_and_more_series_than_rows(tmp_path: Path) -> None:
    panel, forecast, past = example(DATES, series=8)
    panel.values[0] = np.nan
    forecast.samples[:, 0], forecast.last[:, 0] = np.nan, np.nan
    figure = fan_chart(panel, forecast)
    figure.savefig(tmp_path / "fan.png")
    assert len(figure.axes) == 6
    assert {"no values", "the first 6 of 8 series"} <= texts(figure)
    assert len(fan_chart(panel, past, levels=(50, 80, 95)).axes) == 6


def test_style_leaves_no_trace() -> None:
    before = dict(matplotlib.rcParams)
    panel, forecast, _ = example(DATES)
    fan_chart(panel, forecast)
    assert dict(matplotlib.rcParams) == before
