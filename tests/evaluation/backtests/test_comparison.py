"""Models compared with a reference: scores by hand, skill, and what may be claimed."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.errors import DataError
from tsrnn.evaluation import block_bootstrap_ratio, captioned, diebold_mariano, readable, scaled_mae, smape
from tsrnn.evaluation.backtests.comparison import Comparison
from tsrnn.evaluation.backtests.measures import CAPTIONS, DEFINITIONS
from tsrnn.evaluation.backtests.scored_forecast import LEVELS, quantile_column


def frame_of(series=3, origins=120, horizon=1, models=(("walk", 0.0), ("model", 0.0)), seed=0):
    """Normal errors; a model that knows a share of each and says so."""
    generator = np.random.default_rng(seed)
    shape = (origins, series, horizon)
    error = 2 * generator.standard_normal(shape)
    parts = []
    for name, share in models:
        y = 100 + error
        median = 100 + share * error
        columns = {
            "unique_id": np.array([f"S{place}" for place in range(series)], dtype=object)[:, None],
            "cutoff": np.arange(origins)[:, None, None] + 1000,
            "origin": np.arange(origins)[:, None, None] + 10,
            "ds": np.arange(origins)[:, None, None] + 1001 + np.arange(horizon),
            "step": np.arange(1, horizon + 1),
            "y": y,
            "last": 100.0,
            "median": median,
            "crps": np.abs(y - median) / 2,
            "nats": np.abs(y - median),
            "pit": generator.uniform(size=shape),
            "naive_error": np.array([3.0, 1.0, 5.0] * series)[:series, None],
            "scale": np.array([1.0, 2.0, 4.0] * series)[:series, None],
        }
        columns |= {quantile_column(level): median + 10 * (level - 0.5) for level in LEVELS}
        whole = {key: np.broadcast_to(part, shape).reshape(-1) for key, part in columns.items()}
        parts.append(pd.DataFrame({"model": name} | whole))
    return pd.concat(parts, ignore_index=True)


def test_scores_are_their_definitions():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1)))
    scores = Comparison(frame, "walk").scores.set_index("model")
    own = frame[frame["model"] == "model"]
    error = own["y"] - own["median"]
    row = scores.loc["model"]
    assert row["mae"] == pytest.approx(error.abs().mean())
    assert row["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert row["mase"] == pytest.approx((error.abs() / own["naive_error"]).mean())
    assert row["smape"] == pytest.approx((200 * error.abs() / (own["y"] + own["median"])).mean())
    assert row["scaled_crps"] == pytest.approx((own["crps"] / own["scale"]).mean())
    assert row["nats"] == pytest.approx(own["nats"].mean())
    assert row["values"] == 360
    assert row["coverage_80"] == pytest.approx(100 * (error.abs() <= 4).mean())
    assert row["coverage_95"] == pytest.approx(100 * (error.abs() <= 4.75).mean())
    deciles = [own["median"] + 10 * (level / 10 - 0.5) for level in range(1, 10)]
    pinball = [
        np.maximum(level / 10 * (own["y"] - q), (level / 10 - 1) * (own["y"] - q))
        for level, q in enumerate(deciles, 1)
    ]
    assert row["wql"] == pytest.approx(2 * np.mean([part.sum() for part in pinball]) / own["y"].sum())
    assert row["direction"] == 100
    assert row["direction_p"] < 0.001
    assert scores.loc["walk", "owa"] == pytest.approx(1)
    assert np.isnan(scores.loc["walk", "direction"])  # it forecasts no change
    assert np.isnan(scores.loc["walk", "direction_p"])
    assert set(scores.columns) == set(CAPTIONS) == set(DEFINITIONS)


def test_significance_is_that_of_the_mean_losses_of_the_origins():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1)))
    found = Comparison(frame, "walk", lags=5).significance.set_index("loss").loc["squared error"]
    frame["loss"] = ((frame["y"] - frame["median"]) / frame["scale"]) ** 2
    days = frame.pivot_table(index="cutoff", columns="model", values="loss")
    test = diebold_mariano((days["walk"] - days["model"]).to_numpy(), lags=5, fixed_b=True)
    assert found["statistic"] == pytest.approx(test.statistic)
    assert found["p_value"] == pytest.approx(test.p_value)
    assert (found["lags"], found["steps"]) == (5, 120)
    assert found["skill_percent"] == pytest.approx(19)  # 1 − 0.9²
    bounds = block_bootstrap_ratio(days["model"].to_numpy(), days["walk"].to_numpy())
    assert (found["low"], found["high"]) == pytest.approx(bounds)
    nats = Comparison(frame, "walk").significance.set_index("loss").loc["nats"]
    assert np.isnan(nats["skill_percent"])
    means = frame.groupby("model")["nats"].mean()
    assert nats["difference"] == pytest.approx(means["walk"] - means["model"])


def test_the_overlap_of_several_steps_counts_in_the_test():
    frame = frame_of(horizon=30, models=(("walk", 0.0), ("model", 0.1)))
    assert Comparison(frame, "walk").significance["lags"].tolist() == [60] * 3
    assert Comparison(frame, "walk", stride=10).significance["lags"].tolist() == [6] * 3
    assert Comparison(frame, "walk", stride=40).significance["lags"].tolist() == [4] * 3
    steps = Comparison(frame, "walk").by_horizon
    assert steps["step"].tolist() == list(range(1, 31))
    np.testing.assert_allclose(steps[["skill_percent", "low", "high"]], 10)


def test_skill_is_claimed_only_on_the_winning_side():
    better, worse = (Comparison(frame_of(models=(("walk", 0.0), ("model", s))), "walk") for s in (0.1, -0.1))
    assert better.verdicts[0].startswith(
        "model: skill shown in the point forecast, its squared error 19.00 % smaller"
    )
    assert (
        "; skill shown in the distribution, its CRPS 10.00 % smaller than that of the walk"
        in better.verdicts[0]
    )
    assert "p < 0.001" in better.verdicts[0]
    assert worse.verdicts[0].startswith(
        "model: no skill shown in the point forecast, its squared error 21.00 % larger"
    )
    same = Comparison(frame_of(), "walk").verdicts[0]
    assert same.startswith("model: no skill shown in the point forecast: it is that of the walk")


def test_luck_is_not_skill():
    generator, claims = np.random.default_rng(2), 0
    for seed in range(60):
        frame = frame_of(series=1, origins=200, seed=seed)
        other = frame["model"] == "model"
        frame.loc[other, "median"] += 0.3 * generator.standard_normal(other.sum())
        claims += Comparison(frame, "walk").verdicts[0].startswith("model: skill shown in the point")
    assert claims <= 3


def test_a_single_origin_has_series_for_units():
    frame = frame_of(series=90, origins=1, horizon=4, models=(("walk", 0.0), ("model", 0.1)))
    comparison = Comparison(frame, "walk")
    assert set(comparison.significance["steps"]) == {90}
    assert set(comparison.significance["lags"]) == {0}
    assert comparison.cumulative.empty
    few = Comparison(frame_of(series=1, origins=1, models=(("walk", 0.0), ("model", 0.1))), "walk")
    assert "too few series for a test" in few.verdicts[0]


def test_a_series_that_does_not_move_counts_where_nothing_is_scaled():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1)))
    still = frame["unique_id"] == "S1"
    frame.loc[still, ["scale", "naive_error"]] = np.nan
    comparison, others = Comparison(frame, "walk"), Comparison(frame[~still], "walk")
    assert (comparison.rows, comparison.left_out, comparison.series) == (360, 0, 3)
    scaled = ["mase", "scaled_crps"]
    pd.testing.assert_frame_equal(comparison.scores[scaled], others.scores[scaled])
    assert comparison.verdicts == others.verdicts
    pd.testing.assert_frame_equal(comparison.cumulative, others.cumulative)
    assert comparison.scores["mae"][0] == pytest.approx(
        (frame["y"] - frame["median"])[frame["model"] == "walk"].abs().mean()
    )
    frame["scale"] = np.nan
    assert Comparison(frame, "walk").verdicts[0].startswith("model: no verdict: no series moved")
    assert np.isfinite(Comparison(frame, "walk").scores["wql"]).all()
    frame["median"] = np.nan
    with pytest.raises(DataError, match="nothing can be compared"):
        Comparison(frame, "walk")


def test_scores_are_those_of_the_functions_of_panels_with_values_missing():
    frame = frame_of(origins=20, horizon=4, models=(("walk", 0.0), ("model", 0.1)))
    missing = np.random.default_rng(3).random(240) < 0.3
    frame = frame[~np.tile(missing, 2)]
    row = Comparison(frame, "walk").scores.set_index("model").loc["model"]
    own = frame[frame["model"] == "model"]
    actual, median, scale = (
        own.pivot(index=["cutoff", "unique_id"], columns="step", values=name).to_numpy()
        for name in ("y", "median", "naive_error")
    )
    scale = np.nanmax(scale, axis=1)
    assert row["mase"] == pytest.approx(np.nanmean(scaled_mae(actual, median, scale)), rel=1e-12)
    assert row["smape"] == pytest.approx(np.nanmean(smape(actual, median)), rel=1e-12)
    assert row["mase"] != pytest.approx(((own["y"] - own["median"]).abs() / own["naive_error"]).mean())


def test_a_frame_of_another_library_may_lack_what_it_has_not():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1))).drop(columns=["nats", "naive_error"])
    scores = Comparison(frame, "walk").scores
    assert scores[["nats", "mase"]].isna().all(axis=None)
    assert scores[["wql", "scaled_crps"]].notna().all(axis=None)


def test_every_caption_has_a_unit_and_a_direction():
    for name, caption in CAPTIONS.items():
        assert name in ("values", "direction_p") or any(mark in caption for mark in "↓↑→"), caption
    assert all("%" in CAPTIONS[name] for name in ("smape", "coverage_80", "coverage_95", "direction"))
    shown = captioned(Comparison(frame_of(), "walk").scores, "series")
    assert list(shown.columns[:3]) == ["model", "values", "MASE ↓"]
    assert list(readable(shown)["values"]) == ["360", "360"]


def test_what_one_model_has_not_forecast_counts_for_none():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1)))
    late = (frame["model"] == "model") & (frame["unique_id"] == "S2") & (frame["cutoff"] < 1050)
    frame.loc[late, ["median", "crps", "nats"]] = np.nan
    comparison = Comparison(frame, "walk")
    assert comparison.left_out == 50
    assert comparison.origins == 120


def test_models_of_other_rows_and_a_missing_reference_are_named():
    frame = frame_of()
    with pytest.raises(DataError, match="model does not have the same rows as walk"):
        Comparison(frame.iloc[:-1], "walk")
    with pytest.raises(DataError, match="the reference drift is not among walk, model"):
        Comparison(frame, "drift")


def test_the_cumulative_difference_ends_at_the_whole():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1)))
    comparison = Comparison(frame, "walk")
    line = comparison.cumulative
    whole = comparison.significance.set_index("loss").loc["CRPS", "difference"]
    assert line["difference"].iloc[-1] == pytest.approx(120 * whole)
    assert line["cutoff"].tolist() == list(range(1000, 1120))
    assert comparison.pit()["walk"].sum() == comparison.rows


def test_a_series_that_begins_late_keeps_its_origins():
    frame = frame_of(models=(("walk", 0.0), ("model", 0.1)))
    late = frame[~((frame["unique_id"] == "S2") & (frame["cutoff"] < 1050))]
    days = Comparison(late, "walk").cumulative
    assert len(days) == 120


def test_log_scores_are_of_the_steps_that_all_densities_have():
    frame = frame_of(horizon=3, models=(("walk", 0.0), ("model", 0.1), ("none", 0.2)))
    frame.loc[(frame["model"] == "model") & (frame["step"] > 1), "nats"] = np.nan
    frame.loc[frame["model"] == "none", "nats"] = np.nan
    scores = Comparison(frame, "walk").scores.set_index("model")["nats"]
    first = frame[frame["step"] == 1].groupby("model")["nats"].mean()
    assert scores["walk"] == pytest.approx(first["walk"])
    assert scores["model"] == pytest.approx(first["model"])
    assert np.isnan(scores["none"])
    tests = Comparison(frame, "walk").significance.set_index(["model", "loss"])
    assert tests.loc[("model", "nats"), "difference"] == pytest.approx(first["walk"] - first["model"])


@pytest.mark.parametrize(
    ("origins", "horizon", "stride", "block"),
    [(120, 1, 1, 5), (130, 1, 1, 6), (120, 4, 1, 8), (120, 4, 2, 5), (120, 9, 3, 6)],
)
def test_the_blocks_of_the_interval_are_twice_the_overlap_or_the_cube_root(origins, horizon, stride, block):
    frame = frame_of(origins=origins, horizon=horizon, models=(("walk", 0.0), ("model", 0.3)))
    own = frame["model"] == "model"
    frame.loc[own, "median"] += np.random.default_rng(1).standard_normal(int(own.sum()))
    found = Comparison(frame, "walk", stride=stride).significance.set_index("loss").loc["squared error"]
    squares = ((frame["y"] - frame["median"]) / frame["scale"]) ** 2
    loss = squares.groupby([frame["model"], frame["origin"]]).mean()
    expected, others = (
        block_bootstrap_ratio(loss["model"].to_numpy(), loss["walk"].to_numpy(), block_length=length)
        for length in (block, block + 1)
    )
    assert (found["low"], found["high"]) == pytest.approx(expected, rel=1e-9)
    assert expected != pytest.approx(others, rel=1e-4)
