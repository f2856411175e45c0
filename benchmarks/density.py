"""How much better than GJR-GARCH is one recurrent density of next-day returns?

The mean of −log p of the daily log return, in nats (less is better), over all stocks and days of a test span,
one step ahead, and the coverage of the central 80 and 95 percent intervals:

    us20      20 US stocks since 1990 (prices/us20_adjclose.csv.gz in the folder that TSRNN_BENCHMARK_DATA
              names): trained to 2012, best epoch chosen on 2013 to 2015, tested on 2016 to 2022
    bundled   AAPL, IBM, GOOG and MSFT, which are in the package: trained to 2009, chosen on 2010, tested on
              2011 to 2013-03-01

The network is one model of all stocks, fitted and tested by the command line with the shipped configuration,
as a user would; the median over the seeds counts. GARCH(1,1) and GJR-GARCH(1,1) with Student-t errors and a
constant mean are fitted by `arch` to each stock, once, on everything before the test span (the validation
span included, which favours them), and filtered through the test span; a plain recursion checks the filter.
The us20 prices have three decimals, so that early returns are rounded, which spoils the fit of RRC above all:
hence GJR-GARCH fitted since 2000 as well, the harder of the two to beat.

    taskset -c 0 python benchmarks/density.py [--cells LSTM GRU RNN] [--only us20] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arch import arch_model
from scipy import stats

from tsrnn.data import PriceSeries
from tsrnn.evaluation import CAPTIONS
from tsrnn.predictors.random_walk import log_returns

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).with_name("tsrnn"))  # the console script beside this Python
BUNDLED = {"train_end": "2009-12-31", "valid_end": "2010-12-31"}
US20 = {"train_end": "2012-12-31", "valid_end": "2015-12-31"}


def data_sets() -> dict[str, dict[str, str]]:
    """The arguments of `PriceSeries` for each data set."""
    folder = os.environ.get("TSRNN_BENCHMARK_DATA")
    if folder is None:
        sys.exit("density.py: TSRNN_BENCHMARK_DATA must name the data's folder (without: --only bundled)")
    return {"us20": {"path": f"{folder}/prices/us20_adjclose.csv.gz", **US20}, "bundled": BUNDLED}


def plain_variance(residuals: np.ndarray, parameters: Any, leverage: bool, first: float) -> np.ndarray:
    """σ²_t = ω + (α + γ 1[e_{t−1} < 0]) e²_{t−1} + β σ²_{t−1}, from the first one given."""
    variance = np.full(len(residuals), first)
    gamma = parameters["gamma[1]"] if leverage else 0.0
    for t in range(1, len(residuals)):
        shock = residuals[t - 1]
        news = parameters["alpha[1]"] + gamma * (shock < 0)
        variance[t] = parameters["omega"] + news * shock**2 + parameters["beta[1]"] * variance[t - 1]
    return variance


def garch_row(name: str, data: PriceSeries, leverage: bool, since: int = 0) -> dict[str, Any]:
    """Each stock's own model, fitted from session `since` to the test span, then filtered through that."""
    _, first, last = data.spans
    returns = 100 * log_returns(data.panel).numpy()
    log_probs, pits = [], []
    for series in returns[:, since:last]:
        observed = ~np.isnan(series)
        values, fitted = series[observed], int(observed[: first - since].sum())
        model = arch_model(values, vol="GARCH", p=1, o=int(leverage), q=1, dist="t", rescale=False)
        result = model.fit(last_obs=fitted, disp="off", show_warning=False)
        assert result.convergence_flag == 0, f"{name}: a fit did not converge"
        parameters = result.params
        volatility = np.asarray(model.fix(parameters).conditional_volatility)
        residuals = values - parameters["mu"]
        check = plain_variance(residuals, parameters, leverage, float(volatility[0]) ** 2)
        np.testing.assert_allclose(volatility[fitted:] ** 2, check[fitted:], rtol=1e-6)
        degrees = parameters["nu"]
        scale = volatility * math.sqrt((degrees - 2) / degrees)  # t of variance 1
        log_prob = stats.t.logpdf(residuals / scale, degrees) - np.log(scale / 100)  # of the log return
        log_probs.append(log_prob[fitted:])
        pits.append(stats.t.cdf(residuals / scale, degrees)[fitted:])
    log_prob, distance = np.concatenate(log_probs), np.abs(np.concatenate(pits) - 0.5)
    inside = {f"coverage_{level}": 100 * np.mean(distance <= level / 200) for level in (80, 95)}
    return {"model": name, "values": len(log_prob), "nats": -log_prob.mean(), **inside}


def said_value(command: list[str], name: str) -> str:
    """What the command says of `name`, in its tab-separated lines."""
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(line.split("\t")[1] for line in said.splitlines() if line.startswith(f"{name}\t"))


def network_rows(cell: str, arguments: dict[str, str], seed: int) -> pd.DataFrame:
    """The scores of one fit and test by the command line: the network first, then the random walks."""
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--data.{name}={value}" for name, value in arguments.items()]
        config = ROOT / "configs" / "forecast" / f"prices_{cell.lower()}.yaml"
        fit = [COMMAND, "fit", "--config", str(config), *options]
        fit += [f"--seed_everything={seed}", f"--data.seed={seed}", f"--trainer.default_root_dir={folder}"]
        run = said_value(fit, "run")
        test = [COMMAND, "test", "--ckpt_path", run, f"--trainer.default_root_dir={folder}"]
        names = {CAPTIONS[name]: name for name in ("values", "nats", "coverage_80", "coverage_95")}
        return pd.read_csv(said_value(test, "scores"))[["model", *names]].rename(columns=names)


def table(arguments: dict[str, str], cells: list[str], seeds: list[int]) -> pd.DataFrame:
    """One row a model; for a network the range of nats over the seeds as well."""
    data = PriceSeries(**arguments)
    rows = [garch_row("GARCH(1,1)-t", data, False), garch_row("GJR-GARCH(1,1)-t", data, True)]
    if since := int(np.searchsorted(data.panel.ds, np.datetime64("2000-01-01"))):
        rows.append(garch_row("GJR-GARCH(1,1)-t since 2000", data, True, since))
    for cell in cells:
        frames = [network_rows(cell, arguments, seed) for seed in seeds]
        networks = pd.DataFrame([frame.iloc[0] for frame in frames]).drop(columns="model").astype(float)
        if cell == cells[0]:
            rows += frames[0].iloc[1:].to_dict("records")
        ends = {"smallest": networks["nats"].min(), "largest": networks["nats"].max()}
        rows.append({"model": f"{cell}, median of {len(seeds)} seeds", **networks.median().to_dict(), **ends})
    frame = pd.DataFrame(rows).astype({"values": int})
    assert frame["values"].nunique() == 1, "the models were scored on different days"
    return frame.sort_values("nats", ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="*", default=["LSTM"], choices=["LSTM", "GRU", "RNN"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", choices=["us20", "bundled"], help="one of the data sets")
    parser.add_argument("--json", type=Path, help="write the tables to this file")
    options = parser.parse_args()
    sets = {"bundled": BUNDLED} if options.only == "bundled" else data_sets()
    tables = {}
    for name in [options.only] if options.only else sets:
        frame = table(sets[name], options.cells, options.seeds)
        print(f"# {name}: nats a day of the log return")
        print(frame.round(4).to_csv(sep="\t", index=False), flush=True)
        tables[name] = json.loads(frame.to_json(orient="records"))
    if options.json:
        options.json.write_text(json.dumps(tables, indent=2) + "\n")


if __name__ == "__main__":
    main()
