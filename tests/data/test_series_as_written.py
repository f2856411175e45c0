"""Files of series as people write them: options, columns by other names, notes, and messages of headers."""

import warnings

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import SeriesPanel, read_series
from tsrnn.data.panels.frames import panel_from_frame
from tsrnn.errors import ConfigError, DataError, DataWarning, Notice

DAYS = pd.date_range("2023-05-01", periods=40)
VALUES = np.round(1000 * np.random.default_rng(0).normal(size=(2, 40)), 2)


def wide(values=VALUES, dates=None):
    dates = DAYS.strftime("%Y-%m-%d") if dates is None else dates
    return pd.DataFrame({"Date": dates, "A": list(values[0]), "B": list(values[1])})


def long(table):
    return table.melt("Date", var_name="unique_id", value_name="y").rename(columns={"Date": "ds"})


def written(number):
    """-1234.5 as -1.234,50 €, as many write it."""
    return f"{number:,.2f} €".translate(str.maketrans(",.", ".,"))


def read(path, *, like=VALUES, dates=DAYS, **options):
    """The panel of a file, which must hold these values without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = read_series(path, **options)
    assert panel.unique_ids == ("A", "B")
    assert list(panel.ds) == list(dates)
    np.testing.assert_allclose(panel.values, like)
    return panel


def error_of(path, **options):
    with pytest.raises(DataError) as caught:
        read_series(path, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 500
    return message.removeprefix(str(path))


def said_of(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = read_series(path, **options)
    assert all(warning.filename == __file__ for warning in caught)
    return panel, [(warning.category, str(warning.message).removeprefix(str(path))) for warning in caught]


@pytest.fixture(params=["long", "wide"])
def form(request):
    return {"long": long, "wide": lambda table: table}[request.param]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "load.csv"


# How numbers, dates and comments are written


def test_marks_and_signs_are_read_by_options(path, form):
    table = form(wide([[written(y) for y in row] for row in VALUES]))
    table.to_csv(path, index=False, sep=";")
    read(path, decimal=",", thousands=".", on_units="drop")
    assert "on_units='drop'" in error_of(path, decimal=",", thousands=".")
    assert "is not a plain number" in error_of(path, on_units="drop")


def test_what_can_be_read_in_two_ways_is_refused_with_both(path, form):
    form(wide([["1,234"] * 40, ["-5,678"] * 40])).to_csv(path, index=False, sep=";")
    assert "thousands=',' reads it as 1234, decimal=',' reads it as 1.234" in error_of(path)
    read(path, thousands=",", like=[[1234] * 40, [-5678] * 40])
    read(path, decimal=",", like=[[1.234] * 40, [-5.678] * 40])


@pytest.mark.parametrize(("dates", "form_of_days"), [("dmy", "%d/%m/%Y"), ("mdy", "%m/%d/%Y")])
def test_day_and_month_are_told_by_an_option(path, form, dates, form_of_days):
    few = pd.to_datetime([f"2023-{month:02d}-02" for month in range(1, 11)])
    form(wide(VALUES[:, :10], few.strftime(form_of_days))).to_csv(path, index=False)
    assert f"dates='{dates}' reads it as 2023-01-02" in error_of(path)
    panel = read_series(path, dates=dates)
    assert list(panel.ds) == list(few)
    np.testing.assert_array_equal(panel.values, VALUES[:, :10])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_numbers_since_1970_are_dates_by_an_option_and_never_time_steps(tmp_path, form, unit, ending):
    path = tmp_path / f"load.{ending}"
    since = (DAYS - pd.Timestamp(0)) // pd.Timedelta(1, unit)
    table = form(wide(dates=since))
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path, index=False)
    assert "(dates='epoch' reads it as 2023-05-01)" in error_of(path)
    assert list(read_series(path, dates="epoch").ds) == list(DAYS)
    assert list(panel_from_frame(table, dates="epoch").ds) == list(DAYS)
    assert list(SeriesPanel(table, dates="epoch").panel.ds) == list(DAYS)
    with pytest.raises(DataError, match="reads it as 2023-05-01"):
        panel_from_frame(table)


def test_whole_numbers_that_may_be_days_of_excel_are_noted(path, form):
    days = (DAYS - pd.Timestamp("1899-12-30")) // pd.Timedelta(1, "D")
    form(wide(dates=days)).to_csv(path, index=False)
    panel, said = said_of(path)
    assert panel.num_steps == 40
    ((category, message),) = said
    assert category is Notice
    assert "whole numbers such as 45047 count time steps; in Excel that is the day 2023-05-01" in message
    with pytest.raises(DataError, match="'45047' is a day number of Excel"):
        read_series(path, dates="epoch")


def test_comments_and_a_total_are_left_out_where_that_is_asked_for(path):
    text = wide().to_csv(index=False)
    path.write_text(f"# loads, in MW\n{text}# so far\nTotal,5,6\n")
    read(path, comment="#")
    assert "comment='#' skips such lines" in error_of(path)
    path.write_text(f"{text}Total,5\n")
    assert "comment='#' leaves out a last row Total" in error_of(path)
    read(path, comment="#")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"decimal": ";"}, "decimal"),
        ({"thousands": "_"}, "thousands"),
        ({"dates": "ymd"}, "dates"),
        ({"on_units": "keep"}, "on_units"),
        ({"comment": ""}, "comment is one character or more"),
        ({"decimal": ",", "thousands": ","}, "thousands"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_the_file_is_read(option, said):
    with pytest.raises(ConfigError, match=said):
        read_series("no such file.csv", **option)


def test_a_data_module_reads_its_test_file_by_the_same_options(tmp_path):
    table = wide([[written(y) for y in row] for row in VALUES], DAYS.strftime("%d/%m/%Y"))
    table[:-8].to_csv(tmp_path / "train.csv", index=False, sep=";")
    table[-8:].to_csv(tmp_path / "test.csv", index=False, sep=";")
    paths = [str(tmp_path / name) for name in ("train.csv", "test.csv")]
    panel = SeriesPanel(*paths, decimal=",", thousands=".", dates="dmy", on_units="drop", horizon=8).panel
    assert list(panel.ds) == list(DAYS)
    np.testing.assert_allclose(panel.values, VALUES)


# Columns


@pytest.mark.parametrize("door", ["csv", "parquet", "frame"])
@pytest.mark.parametrize(
    ("columns", "noted"),
    [
        pytest.param({}, None, id="default"),
        pytest.param({"unique_id": "Symbol", "ds": "Date", "y": "Close"}, None, id="of prices"),
        pytest.param({"unique_id": "ticker", "ds": "timestamp", "y": "value"}, None, id="small"),
        pytest.param({"unique_id": "종목코드", "ds": "일자", "y": "종가"}, None, id="Korean"),
        pytest.param({"note": "Volume"}, "column y is used; columns that are not used: Volume", id="unused"),
    ],
)
def test_files_and_frames_know_the_same_names(tmp_path, door, columns, noted):
    table = long(wide())
    table["ds"] = pd.to_datetime(table["ds"])
    if noted:
        table["note"] = 1.0
    table = table.rename(columns=columns)
    path = tmp_path / f"load.{door}"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if door == "frame":
            panel = panel_from_frame(table)
        else:
            table.to_parquet(path) if door == "parquet" else table.to_csv(path, index=False)
            panel = read_series(path)
    assert panel.unique_ids == ("A", "B")
    np.testing.assert_array_equal(panel.values, VALUES)
    assert [noted in str(warning.message) for warning in caught] == [True] * (noted is not None)


@pytest.mark.parametrize("door", ["csv", "parquet", "frame"])
def test_one_series_of_prices_is_its_close_and_not_five_series(tmp_path, door):
    bars = pd.DataFrame({"Date": DAYS, "Open": 1.0, "High": 3.0, "Low": 0.5, "Close": VALUES[0], "Volume": 9})
    path = tmp_path / f"load.{door}"
    bars.to_parquet(path) if door == "parquet" else bars.to_csv(path, index=False)
    with pytest.warns(Notice, match="column Close is used; columns that are not used: Open, High, Low, Vol"):
        panel = panel_from_frame(bars) if door == "frame" else read_series(path)
    np.testing.assert_array_equal(panel.values, VALUES[:1])
    bars = bars.drop(columns="Close")
    bars.to_parquet(path) if door == "parquet" else bars.to_csv(path, index=False)
    with pytest.raises(DataError, match="column y is missing; the columns are Date, Open, High"):
        panel_from_frame(bars) if door == "frame" else read_series(path)
    if door != "frame":
        panel, said = said_of(path, value_column="High")
        assert panel.values[0, 0] == 3
        assert "value_column='NAME' uses another" in said[0][1]


def test_names_that_are_nearly_one_are_warned_of(path):
    wide().rename(columns={"B": "a "}).to_csv(path, index=False)
    _, said = said_of(path)
    assert [category for category, _ in said] == [DataWarning]
    assert "A and a are read as two series; write one name in one way" in said[0][1]


def test_words_in_a_wide_parquet_file_are_named(tmp_path):
    wide().assign(note="x").to_parquet(tmp_path / "load.parquet")
    assert error_of(tmp_path / "load.parquet") == ", column note: holds text; numbers are needed"


def test_a_row_that_is_there_twice_says_which_column_may_tell_the_series(path):
    table = long(wide()).rename(columns={"unique_id": "shop"})
    table.to_csv(path, index=False)
    message = error_of(path)
    assert message.startswith(
        ", line 42, column ds: series load: 2023-05-01 is on lines 2 and 42; keep one of them"
    )
    assert message.endswith("; id_column='NAME' names the column of several series")
    panel, _ = said_of(path, id_column="shop")
    assert panel.unique_ids == ("A", "B")


# Headers


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            wide().to_csv(index=False, header=False), "line 1: these are values and not a header", id="none"
        ),
        pytest.param("MW\n\n" + wide().to_csv(index=False), "(line 3 may be the header: delete", id="above"),
        pytest.param(wide().to_csv(index=False, sep=" "), "(columns are separated by commas", id="spaces"),
        pytest.param(
            wide().set_index("Date").T.to_csv(), "line 1: the columns are dates (2023-05-01", id="on its side"
        ),
        pytest.param(wide().rename(columns={"B": "A"}).to_csv(index=False), "column A appears twice", id="A"),
        pytest.param(
            wide().to_csv(index=False).replace("\n", ",\n", 1), "line 2: 3 fields where 4 are", id="ragged"
        ),
        pytest.param(wide()[["Date"]].to_csv(index=False), "column y is missing", id="dates alone"),
        pytest.param(
            long(wide()).drop(columns="ds").to_csv(index=False),
            "line 1: column ds is missing; the columns are unique_id, y (time_column='NAME' names another)",
            id="no dates",
        ),
        pytest.param(",,\n1,2,3\n", "line 1: the first line names no columns; it must be the", id="nameless"),
        pytest.param(wide().assign(A="x").to_csv(index=False), "line 2, column A: 'x' is not a", id="words"),
    ],
)
def test_a_header_or_a_row_that_does_not_fit_is_said(path, content, expected):
    path.write_text(content)
    assert expected in error_of(path)


def test_an_index_of_dates_without_a_name_is_one(path):
    wide().set_index("Date").rename_axis(None).to_csv(path)
    read(path)


def test_a_table_of_far_more_columns_than_dates_is_doubted(path):
    names = [f"s{number}" for number in range(3000)]
    path.write_text("\n".join([",".join(["Date", *names]), *(f"{day:%F}" + ",1" * 3000 for day in DAYS[:2])]))
    panel, said = said_of(path)
    assert panel.values.shape == (3000, 2)
    assert "3000 columns are read as a series each, with 2 dates or fewer; where a row is" in said[0][1]
    path.write_text(path.read_text().replace(",1", ",x"))
    with warnings.catch_warnings(record=True) as caught, pytest.raises(DataError, match="column s0: 'x'"):
        read_series(path)
    assert caught == []
