"""The report of a backtest: one page that holds its verdicts, its tables, its charts and its forecasts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tsrnn.errors import ConfigError, DataError, first_few
from tsrnn.evaluation.report.charts import FAN_COLUMNS, base64_text, fan_data, histogram, lines, packed
from tsrnn.files import atomic_file
from tsrnn.protocols import Panel

SIGNIFICANCE_CAPTIONS = {
    "model": "Model",
    "loss": "Loss",
    "difference": "Gain ↑",
    "skill_percent": "Skill, % ↑",
    "low": "Low, %",
    "high": "High, %",
    "statistic": "Statistic",
    "p_value": "p",
    "lags": "Lags",
    "steps": "Steps",
}


@dataclass(frozen=True)
class ReportContents:
    """What a report says. Text is shown as it stands: markup in it is not obeyed.

    Frames may have further columns. A chart whose frame is empty is left out.

    Args:
        title: the headline.
        created: when and by what the report was made.
        reference: the model that the others are compared with.
        loss: the loss of `by_horizon` and `cumulative`, as readers know it: "CRPS".
        confidence: percent that the intervals from `low` to `high` hold.
        verdicts: sentences, the first thing that is read.
        settings: what was run, by name; the data's hash is one of them.
        scores: one row a model: `model`, then a column a score, NaN where a model has none.
        captions: the caption of each column of `scores`; one without is captioned by its name.
        definitions: one line for each score that needs it, by its column.
        significance: columns model, loss, difference, skill_percent, low, high, statistic, p_value, lags,
            steps.
        by_horizon: columns model, step, skill_percent, low, high.
        coverage: columns model, level, coverage, both of these in percent.
        pit: for each model, how many probability integral transforms lie in each of its equal bins on [0, 1].
        cumulative: columns model, cutoff, difference: the reference's loss less the model's, summed up to
            the cutoff.
        fans: columns model, unique_id, cutoff, ds, step, q0.025, q0.1, median, q0.9, q0.975.
        panel: the series that were forecast, for the actual values.
    """

    title: str
    created: str
    reference: str
    loss: str
    confidence: float
    verdicts: Sequence[str]
    settings: Mapping[str, str]
    scores: pd.DataFrame
    captions: Mapping[str, str]
    definitions: Mapping[str, str]
    significance: pd.DataFrame
    by_horizon: pd.DataFrame
    coverage: pd.DataFrame
    pit: Mapping[str, npt.NDArray[np.integer[Any]]]
    cumulative: pd.DataFrame
    fans: pd.DataFrame
    panel: Panel


def write_report(contents: ReportContents, path: str | Path) -> None:
    """Writes one HTML page that needs nothing but a browser, not even a network.

    The page carries plotly, compressed, and a policy under which a browser runs the page's own two scripts,
    no other, and asks no server for anything.

    Args:
        contents: what it says.
        path: the file, which is overwritten.

    Raises:
        ConfigError: if plotly is not installed.
        DataError: if a frame lacks a column, a forecast series is not in the panel, or `pit` counts nothing.
    """
    plotly = _plotly_source()
    _check_columns(contents)
    script, style, page = (
        resources.files("tsrnn.evaluation.report").joinpath(f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("js", "css", "html")
    )
    hashes = " ".join(
        f"'sha256-{base64_text(hashlib.sha256(text.encode()).digest())}'" for text in (script, plotly)
    )
    # Every value is escaped, but for what is named here: the page's own style and scripts, and JSON in which
    # no letter ends the element that holds it.
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    text = environment.from_string(page).render(
        # plotly writes styles into the page as it draws, so these cannot be named by their hashes.
        policy=Markup(f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:"),
        title=contents.title,
        created=contents.created,
        verdicts=contents.verdicts,
        sections=_sections(contents),
        style=Markup(style),
        script=Markup(script),
        plotly=Markup(packed(plotly.encode())),
        contents=Markup(_json(_charts(contents))),
    )
    with atomic_file(Path(path)) as partial:  # a full disk leaves no half of a page
        partial.write_text(text, encoding="utf-8", newline="\n")


def _plotly_source() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ConfigError("a report needs plotly: pip install 'tsrnn[report]'") from None
    return str(get_plotlyjs())


def _check_columns(contents: ReportContents) -> None:
    needed = {
        "scores": ["model"],
        "significance": list(SIGNIFICANCE_CAPTIONS),
        "by_horizon": ["model", "step", "skill_percent", "low", "high"],
        "coverage": ["model", "level", "coverage"],
        "cumulative": ["model", "cutoff", "difference"],
        "fans": ["model", "unique_id", "cutoff", "ds", "step", *FAN_COLUMNS],
    }
    for name, columns in needed.items():
        frame = getattr(contents, name)
        missing = [column for column in columns if column not in frame.columns]
        if missing and not frame.empty:
            raise DataError(f"the report's {name} lack {first_few(missing)}: add the column")
    if not contents.fans.empty:
        unknown = sorted(set(contents.fans["unique_id"]) - set(contents.panel.unique_ids))
        if unknown:
            raise DataError(f"the panel of the report lacks the forecast series {first_few(unknown)}")


def _sections(contents: ReportContents) -> list[dict[str, Any]]:
    """The page from the scores to the settings: a heading, how to read it, and what the template shows."""
    reference, loss, percent = contents.reference, contents.loss, f"{contents.confidence:g} %"
    captions = {"model": "Model", **contents.captions}
    definitions = {
        captions.get(column, column): contents.definitions[column]
        for column in contents.scores.columns
        if column in contents.definitions
    }
    sections: list[dict[str, Any]] = [
        {
            "heading": "Scores",
            "reading": "One row per model; ↓ says that less is better, ↑ that more is. A dash stands where a "
            "model has no such score.",
            "table": _table(contents.scores, captions),
            "definitions": definitions,
        }
    ]
    if not contents.significance.empty:
        reading = (
            "Gain is the reference's mean loss less the model's, of scaled squared errors, scaled CRPS or "
            "nats. Skill is how much smaller a model's loss is than that of the "
            f"{reference}, in percent; low and high bound its {percent} interval. p is the probability of so "
            "large a difference between two equally good models, given how many differences there were "
            "(steps) and over how many in a row "
            "these were allowed to depend on one another (lags)."
        )
        table = _table(contents.significance[list(SIGNIFICANCE_CAPTIONS)], SIGNIFICANCE_CAPTIONS)
        heading = "Is the difference more than luck?"
        sections.append({"heading": heading, "reading": reading, "table": table, "label": "Significance"})
    if not contents.by_horizon.empty:
        reading = (
            f"The skill in {loss} at each number of time steps ahead: above zero a model is better "
            f"than the {reference}; where the band, its {percent} interval, holds zero, the difference "
            "may be luck."
        )
        sections.append({"heading": "Skill by horizon", "reading": reading, "chart": "horizon"})
    if not contents.cumulative.empty:
        reading = (
            f"The differences in {loss}, added up over time: a line that rises gains on the {reference}, one "
            "that falls loses, and one that owes its height to a single jump may have been lucky once."
        )
        sections.append({"heading": "When the difference arose", "reading": reading, "chart": "cumulative"})
    if not contents.coverage.empty:
        reading = (
            "The share of actual values inside each central interval: below the dotted line the intervals "
            "are too narrow, above it too wide."
        )
        sections.append({"heading": "Coverage of the intervals", "reading": reading, "chart": "coverage"})
    if contents.pit:
        reading = (
            "How high in its forecast each actual value was, from 0, the bottom, to 1, the top. The bars of "
            "calibrated forecasts are level: 95 % of them end in the grey band if the forecasts are "
            "independent, fewer if they overlap. A hump means forecasts that are too "
            "wide, a bowl ones that are too narrow."
        )
        models = list(contents.pit)
        sections.append({"heading": "Where the actual values fell", "reading": reading, "histograms": models})
    if not contents.fans.empty:
        reading = (
            "The forecast made at the dotted line, and the values then observed: the actual line should be "
            "outside the dark band one time in five, and outside the light one one time in twenty."
        )
        sections.append({"heading": "The forecasts themselves", "reading": reading, "chart": "fan"})
    return [
        *sections,
        {"heading": "Settings", "reading": "What was run, and on what.", "settings": contents.settings},
    ]


def _table(frame: pd.DataFrame, captions: Mapping[str, str]) -> dict[str, Any]:
    """The columns, each with its caption and whether it is of numbers, and the rows as texts."""
    numbers = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns]
    columns = [
        {"caption": captions.get(column, str(column)), "number": number}
        for column, number in zip(frame.columns, numbers, strict=True)
    ]
    texts = [
        _texts(str(column), frame[column]) if number else [str(value) for value in frame[column]]
        for column, number in zip(frame.columns, numbers, strict=True)
    ]
    return {"columns": columns, "rows": list(zip(*texts, strict=True))}


def _texts(name: str, column: pd.Series) -> list[str]:
    """Numbers of a column with as many decimals as give its middle one four digits, of percents two."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    decimals = 3 - math.floor(math.log10(np.median(sizes))) if len(sizes) else 0
    if pd.api.types.is_integer_dtype(column) or (np.isfinite(sizes) & (sizes % 1 == 0)).all():
        decimals = 0
    sign = ""
    if name in ("skill_percent", "low", "high", "statistic"):
        decimals, sign = 2, "+"
    if name == "difference":
        sign = "+"
    if name == "p_value":
        return [
            "–" if np.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}" for value in values
        ]
    form = f"{sign},.{max(decimals, 0)}f" if decimals <= 8 else f"{sign}.3e"
    texts = ["–" if np.isnan(value) else f"{value:{form}}" for value in values]
    return [text.replace("-", "−").replace("inf", "∞") for text in texts]


def _charts(contents: ReportContents) -> dict[str, Any]:
    """What the page's script draws."""
    charts = {
        "horizon": lines(contents.by_horizon, "step", "skill_percent", "low", "high"),
        "cumulative": lines(contents.cumulative, "cutoff", "difference"),
        "coverage": lines(contents.coverage, "level", "coverage"),
        "pit": [histogram(model, counts) for model, counts in contents.pit.items()],
    }
    fans = None if contents.fans.empty else fan_data(contents.fans, contents.panel)
    drawn = [entry["model"] for entries in charts.values() for entry in entries]
    models = dict.fromkeys([*map(str, contents.scores["model"]), *drawn, *(fans["models"] if fans else ())])
    return {"models": list(models), **charts, "fans": fans}


def _json(value: Any) -> str:
    """JSON without the letters that could end the element that holds it, or begin another."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
