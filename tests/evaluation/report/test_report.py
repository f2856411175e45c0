"""A report's page as a file: what it holds, how large it is and how it is packed."""

import base64
import gzip
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.reports import LEVELS, contents_of, fans_of, random_walks
from tsrnn.errors import ConfigError, DataError
from tsrnn.evaluation.report.charts import MISSING, histogram, pack_fans
from tsrnn.evaluation.report.page import write_report

NAN = float("nan")


@pytest.fixture(scope="module")
def contents():
    panel = random_walks(2, 200)
    return contents_of(panel, fans_of(panel, [100, 120, 140], 5))


@pytest.fixture
def written(tmp_path):
    def write(contents):
        path = tmp_path / "report.html"
        write_report(contents, path)
        return path.read_text(encoding="utf-8")

    return write


def charts_of(page):
    (text,) = re.findall(r'<script type="application/json" id="contents">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def unpack_fans(text, origins, levels, steps):
    """The inverse of `pack_fans`, from the words of its docstring."""
    data = gzip.decompress(base64.b64decode(text))
    low = np.frombuffer(data, "<f8", origins)
    unit = np.frombuffer(data, "<f4", origins, offset=8 * origins)
    high, rest = np.frombuffer(data, np.uint8, offset=12 * origins).reshape(2, levels, steps, origins)
    places = np.cumsum(256 * high.astype(np.int64) + rest, axis=1) % 65536
    return np.where(places == MISSING, NAN, low + unit * places.astype(np.float64)).transpose(2, 0, 1)


# Packing


@pytest.mark.parametrize("level", [1e-9, 1.0, 1e12])
def test_packed_fans_come_back_within_half_a_thousandth_of_their_height(level):
    values = level * (1 + 1e-3 * np.random.default_rng(0).standard_t(3, (40, 5, 20)).cumsum(axis=2))
    height = np.ptp(values, axis=(1, 2))
    back = unpack_fans(pack_fans(values), *values.shape)
    error = np.abs(back - values).max(axis=(1, 2)) / height
    # The single precision of the unit and the double one of the values add little to the half.
    assert 0.0004 < error.max() < 0.000501


def test_packed_fans_keep_what_is_missing_and_what_does_not_move():
    values = np.random.default_rng(0).gamma(2.0, 10.0, (4, 5, 6))
    values[0, :, 3:] = NAN
    values[1] = NAN
    values[2] = 7.0
    values[3, 4, 5] = np.inf
    back = unpack_fans(pack_fans(values), *values.shape)
    np.testing.assert_array_equal(np.isnan(back), ~np.isfinite(values))
    np.testing.assert_array_equal(back[2], values[2])
    np.testing.assert_allclose(back[0, :, :3], values[0, :, :3], atol=0.0006 * np.ptp(values[0, :, :3]))


def test_each_fan_stands_at_its_model_its_series_and_its_origin(contents, written):
    data = charts_of(written(contents))["fans"]
    assert (data["models"], data["series"]) == (["naive", "calm", "nervous"], ["S00", "S01"])
    assert [data["times"][place] for place in data["origins"]] == [
        str(day)[:10] for day in np.unique(contents.fans["cutoff"])
    ]
    shuffled = contents.fans.sample(frac=1, random_state=0)
    again = charts_of(written(replace(contents, fans=shuffled)))["fans"]
    for model, name in [("naive", "S01"), ("nervous", "S00")]:
        part = contents.fans.query("model == @model and unique_id == @name").sort_values(["cutoff", "step"])
        expected = part[list(LEVELS)].to_numpy().reshape(3, 5, 5).transpose(0, 2, 1)
        for found in (data, again):
            text = found["packed"][found["models"].index(model)][found["series"].index(name)]
            back = unpack_fans(text, 3, 5, 5)
            np.testing.assert_allclose(back, expected, atol=0.000501 * np.ptp(expected, axis=(1, 2)).max())
    actual = np.frombuffer(gzip.decompress(base64.b64decode(data["actuals"][1])), "<f4")
    np.testing.assert_allclose(actual, contents.panel.values[1, 40:146], rtol=1e-7)
    assert data["times"][0] == str(contents.panel.ds[40])[:10]
    assert data["targets"][1] == [81, 82, 83, 84, 85]


def test_series_that_count_their_own_sessions_keep_their_numbers(written):
    panel = random_walks(2, 100, dates=False)
    panel = replace(panel, ds=np.arange(-99, 1), ends=np.array([100, 5000]))
    fans = fans_of(panel, [80, 90], 5)
    own = fans["unique_id"].map({"S00": 100, "S01": 5000})
    fans["cutoff"], fans["ds"] = fans["cutoff"] + own, fans["ds"] + own
    data = charts_of(written(contents_of(panel, fans)))["fans"]
    assert data["ends"] == [100, 5000]
    assert [data["times"][place] for place in data["origins"]] == [-19, -9]
    assert [data["times"][place] for place in data["targets"][1]] == [-8, -7, -6, -5, -4]


def test_twenty_series_and_250_origins_of_three_models_stay_below_five_megabytes(tmp_path):
    panel = random_walks(20, 1600)
    # Quantiles of sampled paths are rough and shrink little. Those of 25 origins are sampled, and stand ten
    # times over, each time with noise of their own.
    origins = list(range(300, 425, 5))
    part = fans_of(panel, origins, 20, paths=200)
    fans = pd.concat([moved(part, panel, copy) for copy in range(10)], ignore_index=True)
    assert len(fans.drop_duplicates(["model", "unique_id", "cutoff", "step"])) == 3 * 20 * 250 * 20
    path = tmp_path / "report.html"
    write_report(contents_of(panel, fans), path)
    assert path.stat().st_size < 5_000_000


def moved(part, panel, copy):
    """The fans of the first 25 origins, at other ones and with noise of their own."""
    place = np.searchsorted(panel.ds, part["cutoff"].to_numpy()) + 125 * copy
    noise = np.random.default_rng(copy).normal(1, 1e-3, (len(part), len(LEVELS)))
    quantiles = part[list(LEVELS)] * (noise if copy else 1.0)
    return part.assign(cutoff=panel.ds[place], ds=panel.ds[place + part["step"].to_numpy()], **quantiles)


# Text


def test_names_and_settings_are_text_and_end_no_element(written):
    hostile = "</script><script>alert(1)</script>"
    panel = random_walks(1, 120, (hostile,))
    fans = fans_of(panel, [100], 3, models=("naive", '"><img src=x onerror=alert(2)>'))
    contents = contents_of(panel, fans)
    contents = replace(
        contents, title=hostile, created=hostile, verdicts=[hostile], settings={hostile: hostile}
    )
    page = written(contents)
    assert page.count("<script") == page.count("</script>") == 3
    assert page.count("<img") == 0
    assert charts_of(page)["fans"]["series"] == [hostile]
    assert charts_of(page)["models"][1] == '"><img src=x onerror=alert(2)>'


def test_a_page_names_no_address(written, contents):
    page = written(contents)
    assert not re.search(r"""(src|href|action)\s*=|url\(|@import""", page[: page.index('id="contents"')])
    assert "default-src 'none'" in page


def test_the_same_contents_make_the_same_bytes(written, contents):
    assert written(contents) == written(contents)


def cells(page, heading):
    section = page[page.index(f"<h2>{heading}</h2>") :]
    body = section[section.index("<tbody>") : section.index("</tbody>")]
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in body.split("</tr>")][:-1]


def test_numbers_have_the_digits_that_matter_and_what_is_missing_is_a_dash(written, contents):
    scores = pd.DataFrame(
        {
            "model": ["a", "b", "c"],
            "small": [0.000123456, 0.00021, NAN],
            "large": [123456.7, 98765.4, np.inf],
            "middle": [-1.23456, 12.0, 0.5],
            "count": [1234, 5, 0],
        }
    )
    rows = cells(written(replace(contents, scores=scores)), "Scores")
    assert rows == [
        ["a", "0.0001235", "123,457", "−1.235", "1,234"],
        ["b", "0.0002100", "98,765", "12.000", "5"],
        ["c", "–", "∞", "0.500", "0"],
    ]
    rows = cells(written(contents), "Is the difference more than luck?")
    assert rows[0] == ["calm", "CRPS", "+0.01490", "+1.83", "+0.63", "+3.13", "+2.41", "0.016", "19", "3"]
    assert rows[1][7] == "&lt; 0.001"


def test_a_chart_without_numbers_is_left_out(written, contents):
    empty = pd.DataFrame()
    page = written(
        replace(
            contents,
            significance=empty,
            by_horizon=empty,
            coverage=empty,
            cumulative=empty,
            fans=empty,
            pit={},
        )
    )
    assert re.findall("<h2>(.*?)</h2>", page) == ["Scores", "Settings"]


def test_the_band_of_a_histogram_holds_95_percent_of_calibrated_bins():
    counts = np.random.default_rng(0).multinomial(1000, np.full(20, 0.05), size=2000)
    band = histogram("model", counts[0])
    low, high = 1000 * band["low"], 1000 * band["high"]
    inside = np.mean((counts >= low) & (counts <= high))
    exact = stats.binom.cdf(high, 1000, 0.05) - stats.binom.cdf(low - 1, 1000, 0.05)
    assert 0.95 <= exact < 0.965
    assert abs(inside - exact) < 0.005


# Mistakes


def test_a_frame_without_a_column_and_a_series_without_a_panel_are_named(contents, tmp_path):
    broken = replace(contents, fans=contents.fans.drop(columns="q0.1"))
    with pytest.raises(DataError, match=r"^the report's fans lack q0\.1: add the column$"):
        write_report(broken, tmp_path / "report.html")
    strange = replace(contents, fans=contents.fans.assign(unique_id="other"))
    with pytest.raises(DataError, match="lacks the forecast series other"):
        write_report(strange, tmp_path / "report.html")
    with pytest.raises(DataError, match="pit counts nothing of calm"):
        write_report(replace(contents, pit={"calm": np.zeros(10, dtype=int)}), tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_without_plotly_the_error_says_what_to_install(contents, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(ConfigError, match=r"pip install 'tsrnn\[report\]'$"):
        write_report(contents, tmp_path / "report.html")
