"""The picture of a forecast: the known past, the forecast, and the values then observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import matplotlib.dates
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from tsrnn.forecasts import Forecast, QuantileForecast
from tsrnn.protocols import Panel

Fan: TypeAlias = tuple[Forecast | QuantileForecast, int]
"""A forecast, and the place of the origin that is drawn."""

# matplotlib has no types for its dates yet.
DATES: Any = matplotlib.dates
MOST_SERIES = 6
LOG_SCALE_FROM = 4.0
# Blue and near-black stay apart for every kind of colour vision, and in grey.
PRICE, BLUE, FAINT, GRID, FUTURE = "#1d232b", "#0072b2", "#7f8893", "#e7eaee", "#f6f2e9"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": PRICE,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": PRICE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "legend.frameon": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": PRICE,
    "ytick.labelcolor": PRICE,
}


def fan_chart(
    panel: Panel,
    forecast: Forecast | QuantileForecast,
    *,
    past: Forecast | QuantileForecast | None = None,
    levels: Sequence[float] = (80, 95),
    context: int = 250,
    currency: str | None = None,
    title: str | None = None,
) -> Figure:
    """One row a series: the price, the fan beyond the data, and earlier fans under the values then observed.

    Args:
        panel: N series on T time steps, in the unit of the forecasts.
        forecast: paths or quantiles from one origin, the panel's last time step.
        past: forecasts of the same series from origins inside the panel; where two would overlap, the
            earlier one is left out.
        levels: percent that each central interval holds.
        context: time steps of the panel to show, more if a past origin lies before them.
        currency: the unit of the values, for the labels.
        title: the headline.

    Returns:
        A figure of at most six rows, 150 dots per inch, that pyplot knows nothing of.
    """
    panel, forecast, past = _counted_back(panel, forecast, past)
    names = forecast.unique_ids[:MOST_SERIES]
    fans = [*_apart(past, forecast.origins[0]), (forecast, 0)]
    # A few time steps before the first origin show where the price came from.
    first = min(
        panel.num_steps - context,
        *(int(np.searchsorted(panel.ds, fan.origins[row])) - 5 for fan, row in fans),
    )
    shown = panel.last(panel.num_steps - max(first, 0))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(12, 2.3 * len(names) + 0.6), dpi=150)
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.06)
        FigureCanvasAgg(figure)
        axes = list(figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0])
        for axis, name in zip(axes, names, strict=True):
            _draw_series(axis, shown, name, fans, sorted(levels))
            # Not as mathematics: a name may hold a dollar sign.
            axis.set_ylabel(f"{name} ({currency})" if currency else name, weight="bold", parse_math=False)
        _draw_time(axes, shown.ds, forecast)
        figure.align_ylabels(axes)
        handles, labels = axes[0].get_legend_handles_labels()
        legend = dict(zip(labels, handles, strict=True))
        anchor = (-0.007, 1)
        axes[0].legend(legend.values(), legend, loc="lower left", bbox_to_anchor=anchor, ncols=len(legend))
        axes[0].set_title(title or "", loc="left", pad=28, size=14, weight="bold")
        if len(names) < len(forecast.unique_ids):
            note = f"the first {len(names)} of {len(forecast.unique_ids)} series"
            figure.supxlabel(note, x=0.995, ha="right", size=8, color=FAINT)
    return figure


def _counted_back(
    panel: Panel, forecast: Forecast | QuantileForecast, past: Forecast | QuantileForecast | None
) -> tuple[Panel, Forecast | QuantileForecast, Forecast | QuantileForecast | None]:
    """Dated series, some of which end earlier than others, on an axis of time steps from their ends."""
    if panel.dates is None or panel.ends is None or not panel.ends[:MOST_SERIES].any():
        return panel, forecast, past
    dates, last = np.union1d(panel.ds, forecast.ds), panel.ds[-1]

    def steps(ds: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        return np.searchsorted(dates, ds) - int(np.searchsorted(dates, last))

    def moved(one: Forecast | QuantileForecast) -> Forecast | QuantileForecast:
        return replace(one, ds=steps(one.ds), origins=steps(one.origins))

    axis = replace(panel, ds=steps(panel.ds), ends=None, dates=None)
    return axis, moved(forecast), None if past is None else moved(past)


def spaced_origins(steps: int, first: int, horizon: int, count: int, spacing: int = 45) -> list[int]:
    """The last `count` origins whose whole horizon lies in the data, from time step `first` on.

    They are `spacing` time steps apart, or as far as their fans need not to overlap.
    """
    step = max(spacing, horizon + horizon // 4)
    last = steps - 1 - horizon
    return [
        origin for origin in range(last - (count - 1) * step, last + 1, step) if origin >= max(first - 1, 0)
    ]


def _draw_series(axis: Axes, panel: Panel, name: str, fans: list[Fan], levels: list[float]) -> None:
    """The fans, narrow over wide, and the observed values over them all."""
    observed = panel.values[panel.unique_ids.index(name)]
    label = "price" if panel.kind == "prices" else "observed"
    axis.plot(_positions(panel.ds), observed, color=PRICE, linewidth=1.2, zorder=4, label=label)
    for fan, row in fans:
        column = fan.unique_ids.index(name)
        start = fan.last[row, column]
        positions = _positions(np.concatenate([fan.origins[row : row + 1], fan.ds[row]]))
        own = fan.only(row, column)
        for depth, level in zip(np.linspace(0.42, 0.18, len(levels)), levels, strict=True):
            low, high = (bound[0, 0] for bound in own.interval(level))
            axis.fill_between(
                positions,
                np.append(start, low),
                np.append(start, high),
                color=_tint(BLUE, depth),
                linewidth=0,
                zorder=1 + depth,
                label=f"{level:g} % interval",
            )
        median = np.append(start, own.quantile(0.5)[0, 0])
        axis.plot(positions, median, color=BLUE, linewidth=1.4, zorder=3, label="median forecast")
        axis.axvline(positions[0], color=FAINT, linewidth=0.9, linestyle=":", zorder=1)
    low, high = axis.dataLim.intervaly
    if 0 < LOG_SCALE_FROM * low < high:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if high < 10 * low else (1, 2, 5)))
        axis.yaxis.set_minor_locator(NullLocator())
    elif low <= high:
        axis.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    else:
        axis.set_yticks([])
        axis.text(0.5, 0.5, "no values", transform=axis.transAxes, ha="center", color=FAINT)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _draw_time(axes: list[Axes], ds: npt.NDArray[Any], forecast: Forecast | QuantileForecast) -> None:
    """The shared axis of true dates, on which a weekend is a weekend wide, and the span beyond the data."""
    start, (origin, *_, end) = _positions(ds)[0], _positions(np.append(forecast.origins[:1], forecast.ds[0]))
    margin = 0.006 * (end - start)
    axes[0].set_xlim(start, end + margin)
    for axis in axes[:-1]:
        axis.xaxis.set_visible(False)  # its ticks are those of the last row, and take a third of the drawing
    for axis in axes:
        axis.axvspan(origin, end + margin, color=FUTURE, linewidth=0, zorder=0)
    place: dict[str, Any] = {"transform": axes[0].transAxes, "ha": "right", "va": "bottom"}
    axes[0].text(1, 1.02, "beyond the data", size=8, color=FAINT, **place)
    if ds.dtype.kind == "M":
        locator = DATES.AutoDateLocator(minticks=6, maxticks=14)
        axes[0].xaxis.set_major_locator(locator)
        axes[0].xaxis.set_major_formatter(DATES.ConciseDateFormatter(locator))


def _apart(past: Forecast | QuantileForecast | None, end: Any) -> list[Fan]:
    """The past forecasts, from the latest back, that have ended when the next one kept begins."""
    kept: list[Fan] = []
    for row in reversed(range(len(past.origins) if past else 0)):
        if past and past.ds[row, -1] <= end:
            kept.append((past, row))
            end = past.origins[row]
    return kept[::-1]


def _positions(ds: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Where time steps lie on the axis: days for dates, themselves for integers."""
    return np.asarray(DATES.date2num(ds) if ds.dtype.kind == "M" else ds, dtype=np.float64)


def _tint(color: str, depth: float) -> tuple[float, ...]:
    """The colour laid over white: opaque, so that no grid shines through and tints do not add up."""
    return tuple(1 - depth * (1 - part) for part in matplotlib.colors.to_rgb(color))
