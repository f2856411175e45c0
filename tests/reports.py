"""Contents of a report: random walks, and forecasts of them that know their volatility, or think they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tsrnn.evaluation.report.page import ReportContents
from tsrnn.protocols import Panel

LEVELS = {"q0.025": 0.025, "q0.1": 0.1, "median": 0.5, "q0.9": 0.9, "q0.975": 0.975}
MODELS = ("naive", "calm", "nervous")


def random_walks(
    series: int, sessions: int, names: tuple[str, ...] | None = None, *, dates: bool = True
) -> Panel:
    """Walks of one percent a session, on business days or on whole sessions."""
    moves = 0.01 * np.random.default_rng(7).standard_normal((series, sessions))
    values = 100 * np.exp(np.cumsum(moves, axis=1))
    days = pd.bdate_range("2020-01-01", periods=sessions).to_numpy()
    names = names or tuple(f"S{number:02d}" for number in range(series))
    return Panel(names, days if dates else np.arange(sessions), values)


def fans_of(
    panel: Panel, origins: list[int], horizon: int, models: tuple[str, ...] = MODELS, paths: int = 0
) -> pd.DataFrame:
    """Exact quantiles of walks of 1, 0.6 and 1.5 percent a session; or those of so many sampled paths."""
    generator = np.random.default_rng(11)
    levels, steps = list(LEVELS.values()), np.arange(1, horizon + 1)
    targets = np.array(origins)[:, None] + steps
    shape = (len(panel.unique_ids), *targets.shape)  # (N, O, H)
    last = panel.values[:, origins][:, :, None]
    parts = []
    for place, model in enumerate(models):
        volatility = (0.01, 0.006, 0.015)[place % 3]
        if paths:
            moves = volatility * generator.standard_normal((paths, *shape), dtype=np.float32)
            quantiles = np.quantile(moves.cumsum(axis=3), levels, axis=0)
        else:
            distances = stats.norm.ppf(levels)[:, None, None, None]
            quantiles = np.broadcast_to(distances * volatility * np.sqrt(steps), (len(levels), *shape))
        columns = {
            "unique_id": np.array(panel.unique_ids, dtype=object)[:, None, None],
            "origin": np.array(origins)[:, None],
            "cutoff": panel.ds[origins][:, None],
            "ds": panel.ds[targets],
            "step": steps,
            "y": panel.values[:, targets],
            **dict(zip(LEVELS, last * np.exp(quantiles), strict=True)),
        }
        whole = {name: np.broadcast_to(column, shape).reshape(-1) for name, column in columns.items()}
        parts.append(pd.DataFrame({"model": model} | whole))
    return pd.concat(parts, ignore_index=True)


def contents_of(panel: Panel, fans: pd.DataFrame, **more: Any) -> ReportContents:
    """A whole report around forecasts, its scores made up."""
    models = list(dict.fromkeys(fans["model"]))
    generator = np.random.default_rng(13)
    horizon, cutoffs = int(fans["step"].max()), np.unique(fans["cutoff"])
    skill = [0.0, 1.834, -7.61] + [0.5] * len(models)
    crps = [0.81234, 0.79744, 0.87412] + [0.8] * len(models)
    scores = {
        "model": models,
        "crps": crps[: len(models)],
        "mase": np.linspace(0.998, 1.021, len(models)),
        "nats": [np.nan, *np.linspace(1.52, 1.68, len(models) - 1)],
        "coverage_80": np.linspace(80.2, 91.4, len(models)),
        "seconds": np.linspace(0, 1250, len(models)).round().astype(int),
    }
    rivals = models[1:]
    significance = {
        "model": rivals,
        "loss": ["CRPS"] * len(rivals),
        "difference": np.linspace(0.0149, -0.0618, len(rivals)),
        "skill_percent": skill[1 : len(models)],
        "low": [part - 1.2 for part in skill[1 : len(models)]],
        "high": [part + 1.3 for part in skill[1 : len(models)]],
        "statistic": np.linspace(2.41, -6.2, len(rivals)),
        "p_value": np.linspace(0.0162, 0.00001, len(rivals)),
        "lags": [19] * len(rivals),
        "steps": [len(cutoffs)] * len(rivals),
    }
    ahead = range(1, horizon + 1)
    steps = pd.MultiIndex.from_product([rivals, ahead], names=["model", "step"]).to_frame(False)
    steps["skill_percent"] = 2 - 0.4 * steps["step"] + generator.normal(0, 0.3, len(steps))
    steps["low"], steps["high"] = steps["skill_percent"] - 1.5, steps["skill_percent"] + 1.5
    levels = pd.MultiIndex.from_product([models, [50, 80, 95]], names=["model", "level"]).to_frame(False)
    levels["coverage"] = levels["level"] + 3 * generator.standard_normal(len(levels))
    times = pd.MultiIndex.from_product([rivals, cutoffs], names=["model", "cutoff"]).to_frame(False)
    times["difference"] = generator.normal(0.01, 0.1, len(times))
    times["difference"] = times.groupby("model", sort=False)["difference"].cumsum()
    pit = {model: generator.multinomial(5000, np.full(10, 0.1)) for model in models}
    contents: dict[str, Any] = {
        "title": "Backtest of three random walks",
        "created": "2026-02-03 by tsrnn",
        "reference": models[0],
        "loss": "CRPS",
        "confidence": 95.0,
        "verdicts": [
            "calm is better than naive: its CRPS is 1.8 % smaller (0.6 to 3.1 %), more than luck explains.",
            "nervous is worse than naive: its CRPS is 7.6 % larger.",
        ],
        "settings": {"data": "sha256:3f2a9c0d5b7e81", "origins": str(len(cutoffs)), "horizon": str(horizon)},
        "scores": pd.DataFrame(scores),
        "captions": {
            "crps": "CRPS",
            "mase": "MASE",
            "nats": "nats per step ↓",
            "coverage_80": "80 % coverage",
            "seconds": "Seconds",
        },
        "definitions": {
            "crps": "Mean continuous ranked probability score over the naive scale; less is better.",
            "mase": "Mean absolute error of the median over that of the naive forecast; less is better.",
            "nats": "Mean of −log p of what happened.",
        },
        "significance": pd.DataFrame(significance),
        "by_horizon": steps,
        "coverage": levels,
        "pit": pit,
        "cumulative": times,
        "fans": fans,
        "panel": panel,
    }
    return ReportContents(**contents | more)
