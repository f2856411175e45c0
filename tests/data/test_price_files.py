import codecs
import gzip
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import check_prices, read_prices
from tsrnn.errors import ConfigError, DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("error", "ignore::tsrnn.errors.Notice")

GOOD = "Date,Open,Close\n2023-01-02,1,10\n2023-01-03,1,11\n2023-01-04,1,12\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name="prices.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def error_of(function, *args, **options):
    with pytest.raises(DataError) as caught:
        function(*args, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def frame(y, ds=None, **columns):
    ds = pd.date_range("2023-01-02", periods=len(y)) if ds is None else ds
    return pd.DataFrame({**columns, "ds": ds, "y": y})


# What is accepted


def test_a_long_file_without_symbols_is_one_series_with_the_file_s_name(write):
    prices = read_prices(write(GOOD, "BRK.B.csv"))
    assert list(prices.columns) == ["unique_id", "ds", "y"]
    assert list(prices["unique_id"]) == ["BRK.B"] * 3
    assert prices["ds"].dtype == np.dtype("datetime64[ns]")
    assert list(prices["ds"]) == list(pd.date_range("2023-01-02", periods=3))
    assert prices["y"].dtype == np.float64
    assert list(prices["y"]) == [10, 11, 12]


def test_series_stand_in_order_of_first_appearance_then_in_order_of_time(write):
    text = "Ticker,date,adj_close\nB,2023-01-03,4\nA,2023-01-02,1\nB,2023-01-02,3\nA,2023-01-03,1.5\n"
    prices = read_prices(write(text))
    assert list(prices["unique_id"]) == ["B", "B", "A", "A"]
    assert list(prices["y"]) == [3, 4, 1, 1.5]
    assert list(read_prices(write(text), symbols=["A"])["y"]) == [1, 1.5]


def test_every_column_of_a_wide_file_is_a_series_that_may_begin_late_and_end_early(write):
    text = "Date,LOW,Y\n2023-01-02,,5\n2023-01-03,2,6\n2023-01-04,3,\n"
    prices = read_prices(write(text))
    assert list(prices["unique_id"]) == ["LOW", "LOW", "Y", "Y"]
    assert list(prices["y"]) == [2, 3, 5, 6]
    assert list(prices["ds"].dt.day) == [3, 4, 2, 3]
    assert list(read_prices(write(text), symbols=["Y"])["y"]) == [5, 6]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Date,Close,Adj Close", 2),
        ("Date,Close,Adj.Close", 2),
        ("<DATE>,<CLOSE>,<VOL>", 1),
        ("일자,종가,수정종가", 2),
        ("ds,price,y", 2),
        ("TIMESTAMP,Close,value", 1),
    ],
)
def test_the_column_of_prices_is_known_by_its_name(write, header, expected):
    assert list(read_prices(write(f"{header}\n2023-01-02,1,2\n"))["y"]) == [expected]


@pytest.mark.parametrize("column", ["Open", "open"])
def test_a_column_can_be_named_exactly_or_in_another_case(write, column):
    assert list(
        read_prices(
            write("Date,Open,Close\n2023-01-02,1.5,1\n2023-01-03,1.6,1\n2023-01-04,1.7,1\n"), column=column
        )["y"]
    ) == [1.5, 1.6, 1.7]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2023-01-02", "2023-01-13"),
        ("2023/01/02", "2023/01/13"),
        ("2023.01.02", "2023.01.13"),
        ("20230102", "20230113"),
        ("2023-1-2", "2023-1-13"),
        ("2023년 1월 2일", "2023년 01월 13일"),
        ("2-Jan-2023", "13-JAN-2023"),
        ("02 Jan 2023", "13 Jan 2023"),
        ("Jan 2 2023", "jan 13 2023"),
        ('"Jan 02, 2023"', '"Jan 13, 2023"'),
        ("02/01/2023", "13/01/2023"),
        ("1/2/2023", "1/13/2023"),
        ("2023-01-02T00:00:00.000", "2023-01-13T00:00:00"),
        ("2023-01-02 09:00:00+09:00", "2023-01-13 09:00:00+0900"),
        ("2023-01-01T19:00-05:00", "2023-01-13T00:00Z"),
    ],
)
def test_dates_are_read_in_any_one_format(write, first, second):
    prices = read_prices(write(f"Date,Close\n{first},1\n{second},1.1\n"))
    assert list(prices["ds"]) == [pd.Timestamp("2023-01-02"), pd.Timestamp("2023-01-13")]


@pytest.mark.parametrize(
    "content",
    [
        "\n \n" + GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", " , "),
        gzip.compress(GOOD.encode(), mtime=0),
        codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + GOOD.replace("\n", "\r\n").encode("utf-16-be"),
        GOOD.replace("Date", "날짜").encode("cp949"),
    ],
)
def test_the_dress_of_the_text_does_not_matter(write, content):
    assert list(read_prices(write(content))["y"]) == [10, 11, 12]


def test_one_row_and_unused_words_are_accepted(write):
    prices = read_prices(write('Date,Close,Volume,"a ""b""\nc"\n2023-01-02, 1.5e2 ,1.23M,=cmd()\n'))
    assert list(prices["y"]) == [150]


def test_rows_that_run_backwards_are_sorted_in_silence(write):
    header, *rows = GOOD.splitlines()
    assert list(read_prices(write("\n".join([header, *rows[::-1]])))["y"]) == [10, 11, 12]


@pytest.mark.parametrize("missing", ["", "null", "NaN", "NA", "n/a", "-", "."])
def test_missing_prices_are_an_error_or_dropped(write, missing):
    path = write(GOOD.replace("11", missing).replace("10", missing))
    message = error_of(read_prices, path)
    assert f"{path}, line 2, column Close: 2 missing (lines 2, 3)" in message
    assert "on_missing='drop'" in message
    assert list(read_prices(path, on_missing="drop")["y"]) == [12]


def test_a_hole_inside_a_wide_series_is_missing(write):
    path = write("Date,A,B\n2023-01-02,1,5\n2023-01-03,,6\n2023-01-04,1.3,7\n")
    assert "line 3, column A: 1 missing (lines 3)" in error_of(read_prices, path)
    assert list(read_prices(path, on_missing="drop")["y"]) == [1, 1.3, 5, 6, 7]


# What is refused


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", "prices.csv: the file is empty", id="empty file"),
        pytest.param(" \n\n", "prices.csv: the file is empty", id="blank file"),
        pytest.param("Date,Close\n\n", "prices.csv: the file has a header but no rows", id="no rows"),
        pytest.param("Open,Close\n1,2\n", "line 1: column Date is missing; the columns are", id="no date"),
        pytest.param("# by X\n" + GOOD, "line 1: a comment", id="comment"),
        pytest.param("Date,Open,Clsoe,High\n", "no column of prices", id="no close"),
        pytest.param("Date,Ticker,Clsoe\n", "did you mean Clsoe?", id="no close of symbols"),
        pytest.param("Date,Close,Close\n", "line 1: column Close appears twice", id="close twice"),
        pytest.param("Date,A,B,A\n", "line 1: column A appears twice", id="symbol twice"),
        pytest.param("Date,Close\n2023-01-02,word\n", "line 2, column Close: 'word' is not", id="word"),
        pytest.param("Date,Close\n2023-01-02,1_0\n", "line 2, column Close: '1_0' is not", id="underscore"),
        pytest.param("Date,Close\n2023-01-02,$1\n", "line 2, column Close: '$1' is not", id="currency"),
        pytest.param("Date,Close\n2023-01-02,1 2\n", "line 2, column Close: '1 2' is not", id="space"),
        pytest.param('Date,Close\n2023-01-02,"1,234"\n', "'1,234' is not", id="thousands"),
        pytest.param("Date,Close\n2023-01-02,0\n", "line 2, column Close: Close is 0", id="zero"),
        pytest.param("Date,Close\n2023-01-02,-3\n", "line 2, column Close: Close is -3", id="negative"),
        pytest.param("Date,A\n2023-01-02,-3\n", "line 2, column A: A is -3", id="negative in wide"),
        pytest.param("Date,Close\n2023-01-02,1e400\n", "line 2, column Close: Close is inf", id="overflow"),
        pytest.param("Date,Close\n2023-01-02,-inf\n", "line 2, column Close: Close is -inf", id="infinite"),
        pytest.param("Date,Close\n2023-01-02,1e101\n", "too large", id="too large"),
        pytest.param(
            "Date,Close\n1672617600,1\n", "line 2, column Date: '1672617600' is a plain", id="epoch"
        ),
        pytest.param("Date,Close\n,1\n", "line 2, column Date: '' is not a date", id="no date in a row"),
        pytest.param("Date,Close\n2023-02-30,1\n", "line 2, column Date: '2023-02-30'", id="impossible date"),
        pytest.param("Date,Close\n1066-10-14,1\n", "line 2, column Date: '1066-10-14'", id="far date"),
        pytest.param("Date,Close\n01/02/2023,1\n", "DD/MM/YYYY or MM/DD/YYYY", id="ambiguous date"),
        pytest.param(
            "Date,Close\n01/13/2023,1\n13/01/2023,1\n",
            "line 3, column Date: '13/01/2023' does not fit the format of the lines above (MM/DD/YYYY)",
            id="day and month swapped",
        ),
        pytest.param(
            "Date,Close\n2023-01-02,1\n03/01/2023,1\n",
            "line 3, column Date: '03/01/2023' does not fit the format of the lines above (YYYY-MM-DD)",
            id="two formats",
        ),
        pytest.param(
            "Date,Close\n2023-01-02T00:00Z,1\n2023-01-03T00:00,1\n", "line 3, column Date", id="some offsets"
        ),
        pytest.param(
            "Date,Close\n2023-01-02,1\n\n2023-01-02,2\n",
            "line 4, column Date: 2023-01-02 is on lines 2 and 4 with different values",
            id="duplicate date",
        ),
        pytest.param(
            "Date,Close\n2023-01-02,1\n2023-01-02,1\n",
            "lines 2 and 3 with the same value",
            id="duplicate row",
        ),
        pytest.param(
            'Date,Close,Note\n2023-01-02,1,"two\nlines"\n\n2023-01-03,1\n',
            "line 5: 2 fields where 3 are expected",
            id="ragged after a quoted line feed",
        ),
        pytest.param('Date,Close\n2023-01-02,"1\n2023-01-03,2\n', "line 2: the quote", id="unclosed quote"),
        pytest.param("Date,Close,Symbol\n2023-01-02,1,A\n2023-01-03,1,\n", "line 3", id="no symbol"),
        pytest.param("Date,A,B\n2023-01-02,1,\n", "column B: there is not one price", id="empty series"),
        pytest.param(b"Date,Close\n2023-01-02,\xff\n", "line 2: not valid UTF-8", id="not UTF-8"),
        pytest.param(
            GOOD.encode("utf-16-le"), "looks like UTF-16 without its mark", id="UTF-16 without mark"
        ),
        pytest.param(GOOD.encode("utf-16")[:-1], "not valid UTF-16", id="UTF-16 cut short"),
        pytest.param("\n<!DOCTYPE html><p>", "looks like HTML", id="HTML"),
        pytest.param(gzip.compress(GOOD.encode(), mtime=0)[:-9], "the file ends early", id="gzip cut short"),
        pytest.param(gzip.compress(GOOD.encode(), mtime=0)[:-8] + bytes(8), "is damaged", id="gzip damaged"),
        pytest.param(b"PAR1 whole PAR1", "the Parquet data is damaged", id="Parquet damaged"),
        pytest.param(b"PAR1 part", "not a whole Parquet file", id="Parquet cut short"),
        pytest.param("Date,Close\n2023-01-02," + "1" * 200_000, "line 2: a field is too large", id="field"),
        pytest.param(
            "Date,Close\n2023-01-02,1\u202e" + "x" * 100, f"'1 {'x' * 37}…'", id="long unprintable value"
        ),
    ],
)
def test_a_fault_is_named_by_its_place(write, content, expected):
    path = write(content)
    message = error_of(read_prices, path)
    assert message.startswith(str(path))
    assert expected in message


def test_a_line_of_10_mib_is_refused_at_once(write):
    path = write("Date,Close\n2023-01-02," + "9" * 10 * 2**20)
    start = time.perf_counter()
    assert "line 2: the line is too large" in error_of(read_prices, path)
    assert time.perf_counter() - start < 2


def test_a_small_file_that_unzips_to_a_huge_one_is_refused(write):
    path = write(gzip.compress(b"Date,Close\n" + b"\n" * 2**25))
    assert "the file is too large, more than" in error_of(read_prices, path)


def test_names_that_are_not_there_are_met_with_the_nearest(write, tmp_path):
    path = write(GOOD)
    assert "did you mean prices.csv?" in error_of(read_prices, tmp_path / "price.csv")
    assert "no such file" in error_of(read_prices, tmp_path / "nowhere" / "price.csv")
    assert "folder" in error_of(read_prices, tmp_path)
    assert "did you mean Close?" in error_of(read_prices, path, column="Clsoe")
    assert "did you mean prices?" in error_of(read_prices, path, symbols=["price"])
    assert "no series is asked for" in error_of(read_prices, path, symbols=[])
    with pytest.raises(ConfigError, match="on_missing"):
        read_prices(path, on_missing="fill")


# The options


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("Date;Close\n2023-01-02;98,76\n2023-01-03;98\n", {"decimal": ","}, [98.76, 98]),
        ("Date\tClose\n2023-01-02\t1.234,5\n", {"decimal": ",", "thousands": "."}, [1234.5]),
        (
            'Date,Close\n2023-01-02,"1,234,567.8"\n2023-01-03,999888\n',
            {"thousands": ","},
            [1234567.8, 999888],
        ),
        ("Date,Close\n2023-01-02,1 234.5\n2023-01-03,1\u00a0234\n", {"thousands": " "}, [1234.5, 1234]),
        ("Date,Close\n2023-01-02,1'234.5\n2023-01-03,1’234\n", {"thousands": "'"}, [1234.5, 1234]),
        ("Date,Close\n2023-01-02,98.76 USD\n2023-01-03,98 USD\n", {"on_units": "drop"}, [98.76, 98]),
        ("Date,Close\n2023-01-02,$98.76\n2023-01-03,$ 98\n", {"on_units": "drop"}, [98.76, 98]),
        ("Date,Close\n2023-01-02,98.76%\n", {"on_units": "drop"}, [98.76]),
        ('Date,Close\n2023-01-02,"₩1,234"\n', {"on_units": "drop", "thousands": ","}, [1234]),
        ('# a, "b\n\nDate,Close\n# c\n2023-01-02,5\n\nTotal,\n', {"comment": "#"}, [5]),
        ("// a\nDate,Open,Close\n2023-01-02,5,5\n합계,5\n", {"comment": "//"}, [5]),
    ],
)
def test_an_option_reads_what_is_refused_without_it(write, content, options, expected):
    path = write(content)
    error_of(read_prices, path)
    assert list(read_prices(path, **options)["y"]) == expected


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("98,76", "decimal=',' reads it as 98.76"),
        ("1,234", "as thousands have: thousands=',' reads it as 1234, decimal=',' reads it as 1.234"),
        ("1,23,456", "thousands=',' reads it as 123456"),
        ("1,234.5", "thousands=',' reads it as 1234.5"),
        ("1.234,5", "decimal=',' with thousands='.' reads it as 1234.5"),
        ("1 234,5", "decimal=',' with thousands=' ' reads it as 1234.5"),
        ("1'234.5", 'thousands="\'" reads it as 1234.5'),
        ("$98.76", "on_units='drop' reads it as 98.76"),
        ("98.76 USD", "on_units='drop' reads it as 98.76"),
        ("₩1,23", "decimal=',' with on_units='drop' reads it as 1.23"),
        ("(98.76)", "is not a plain number, such as 98.76; write a negative number as -98.76"),
        ("98.76-", "; write a negative number as -98.76"),
    ],
)
def test_a_number_is_refused_with_the_option_that_reads_it_and_with_the_result(write, cell, remedy):
    message = error_of(read_prices, write(f"Date;Close\n2023-01-02;{cell}\n"))
    assert f"line 2, column Close: '{cell}' is not a plain number" in message
    assert message.endswith(remedy)


@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        (["99,390", "99,120"], "thousands=',' reads it as 99390, decimal=',' reads it as 99.39"),
        (["99,390", "998"], "thousands=',' reads it as 99390, decimal=',' reads it as 99.39"),
        (["99,390", "99,12"], "98.76; decimal=',' reads it as 99.39"),
        (["99,390", "1,099,120"], "98.76; thousands=',' reads it as 99390"),
        (["99,390", "99,120.5"], "98.76; thousands=',' reads it as 99390"),
        (["99,39", "99.12"], "; decimal=',' reads it as 99.39, but not '99.12': write all in one way"),
        (["null", "₩99,390"], "'drop' reads it as 99390, decimal=',' with on_units='drop' reads it as 99.39"),
    ],
)
def test_the_whole_column_says_which_option_is_offered(write, cells, remedy):
    rows = "".join(f"2023-01-{day};{cell}\n" for day, cell in enumerate(cells, start=10))
    assert error_of(read_prices, write("Date;Close\n" + rows)).endswith(remedy)


def test_points_that_may_stand_between_thousands_are_warned_of(write):
    rows = "2023-01-02,998\n2023-01-03,1.002\n2023-01-04,1.003\n"
    message = "line 3, column Close: '1.002' is read as 1.002, and 998 as 998; every point has three digits"
    with pytest.warns(DataWarning) as caught:
        prices = read_prices(write("Date,Close\n" + rows))
    assert list(prices["y"]) == [998, 1.002, 1.003]
    assert message in str(caught[0].message)
    assert "decimal=',' with thousands='.' reads it as 1002" in str(caught[0].message)
    assert caught[0].filename == __file__
    # Without the whole number nothing speaks for thousands but the semicolons, which come with commas.
    path = write("Date,Close\n" + rows.split("\n", 1)[1])
    assert list(read_prices(path)["y"]) == [1.002, 1.003]
    path = write(path.read_text().replace(",", ";"))
    with pytest.warns(DataWarning, match="line 2, column Close: '1.002' is read as 1.002; every point"):
        read_prices(path)


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (
            "2023-01-02;98.76\n",
            {"decimal": ","},
            "line 2, column Close: '98.76' is not a plain number, such as 98,76",
        ),
        ("2023-01-02;1,23\n", {"thousands": ","}, "'1,23' is not a plain number"),
        (
            "2023-01-02;1 USD\n2023-01-03;1 EUR\n",
            {"on_units": "drop"},
            "line 3, column Close: '1 EUR' is not in",
        ),
        ("2023-01-02;-$1\n", {"on_units": "drop"}, "Close is -1"),
        (
            "1672617600;1\n1672704000000;1\n",
            {"dates": "epoch"},
            "line 3, column Date: '1672704000000' does not fit",
        ),
        ("2023-01-02;1\n", {"dates": "epoch"}, "'2023-01-02' is not a number of seconds"),
        ("99999999999999;1\n", {"dates": "epoch"}, "is not a date that exists"),
        ("13/02/2023;1\n", {"dates": "mdy"}, "line 2, column Date: '13/02/2023' is not a date that exists"),
        ("2023-01-02;1\nTotal;1\n2023-01-03;1\n", {"comment": "#"}, "line 3, column Date: 'Total'"),
    ],
)
def test_an_option_is_as_strict(write, content, options, expected):
    assert expected in error_of(read_prices, write("Date;Close\n" + content), **options)


@pytest.mark.parametrize(
    ("cells", "option", "expected"),
    [
        (["1672617600", "1672704000.5"], "epoch", ["2023-01-02", "2023-01-03 00:00:00.5"]),
        (["1672617600123", "1672704000000"], "epoch", ["2023-01-02 00:00:00.123", "2023-01-03"]),
        (["1672617600000000", "1672704000123000"], "epoch", ["2023-01-02", "2023-01-03 00:00:00.123"]),
        (["1672617600000000000", "1672704000000000000"], "epoch", ["2023-01-02", "2023-01-03"]),
        (["-86400", "0"], "epoch", ["1969-12-31", "1970-01-01"]),
        (["01/01/2023", "02/02/2023"], "auto", ["2023-01-01", "2023-02-02"]),
        (["01/02/2023", "02/02/2023"], "dmy", ["2023-02-01", "2023-02-02"]),
        (["01.02.2023 09:00", "02.02.2023 09:00"], "dmy", ["2023-02-01 09:00", "2023-02-02 09:00"]),
        (["1-2-2023", "1-3-2023"], "mdy", ["2023-01-02", "2023-01-03"]),
        (["2023-01-02", "2023-01-03"], "mdy", ["2023-01-02", "2023-01-03"]),
        (["02.01.2023", "13.01.2023"], "auto", ["2023-01-02", "2023-01-13"]),
    ],
)
def test_dates_are_read_as_the_option_says(write, cells, option, expected):
    prices = read_prices(write(f"Date,Close\n{cells[0]},1\n{cells[1]},1.1\n"), dates=option)
    assert list(prices["ds"]) == [pd.Timestamp(text) for text in expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"decimal": ",", "thousands": ","}, "both"),
        ({"decimal": ";"}, "decimal is one of"),
        ({"dates": "ymd"}, "dates is one of"),
        ({"on_units": "keep"}, "on_units is one of"),
        ({"comment": ""}, "comment"),
    ],
)
def test_an_option_with_another_value_is_refused(write, options, expected):
    with pytest.raises(ConfigError, match=expected):
        read_prices(write(GOOD), **options)


# Parquet


LONG = pd.DataFrame(
    {
        "Date": pd.to_datetime(["2023-01-02", "2023-01-03"] * 2),
        "Symbol": ["B", "B", "A", "A"],
        "Close": [3, 3.1, 1, 1.1],
        "Note": "x",
    }
)
WIDE = pd.DataFrame(
    {"B": [3, 3.1], "A": [1, 1.1]}, index=pd.DatetimeIndex(["2023-01-02", "2023-01-03"], name="Date")
)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(LONG, id="long"),
        pytest.param(LONG.set_index(["Symbol", "Date"]), id="long with two indices"),
        pytest.param(LONG.iloc[[0, 1, 2, 3]].set_axis([5, 7, 8, 9]), id="index without a name"),
        pytest.param(LONG.assign(Symbol=LONG["Symbol"].astype("category")), id="categories"),
        pytest.param(LONG.assign(Date=LONG["Date"].astype(str)), id="dates as text"),
        pytest.param(LONG.assign(Date=LONG["Date"].dt.date), id="dates as days"),
        pytest.param(LONG.assign(Close=LONG["Close"].astype("Float64")), id="nullable numbers"),
        pytest.param(LONG.assign(Date=LONG["Date"].dt.tz_localize("UTC")), id="dates with a zone"),
        pytest.param(WIDE, id="wide"),
        pytest.param(WIDE.rename_axis(None), id="wide, index without a name"),
        pytest.param(WIDE.reset_index(), id="wide without index"),
    ],
)
def test_parquet_is_read_long_or_wide(tmp_path, table):
    path = tmp_path / "prices.parquet"
    table.to_parquet(path)
    prices = read_prices(path)
    assert list(prices["unique_id"]) == ["B", "B", "A", "A"]
    assert list(prices["ds"].dt.day) == [2, 3, 2, 3]
    assert prices["ds"].dtype == np.dtype("datetime64[ns]")
    assert list(prices["y"]) == [3, 3.1, 1, 1.1]
    assert list(read_prices(path, symbols=["A"])["y"]) == [1, 1.1]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            LONG.assign(Close=[3, 0, 1, 1]),
            ", column Close: series B, row 1: Close is 0: a price must be above",
        ),
        (LONG.assign(Close=[3, 3, None, 1]), ", column Close: series A, row 2: 1 missing (rows 2)"),
        (LONG.assign(Close=["3", "x", "1", "1"]), ", column Close: series B, row 0: '3' is not a number"),
        (LONG.assign(Date=LONG["Date"].iloc[0]), ", column Date: series B, row 1: 2023-01-02 is on rows 0"),
        (LONG.assign(Date=["2023-01-02", "x", "", ""]), ", column Date: row 1: 'x' does not fit the format"),
        (LONG.assign(Date=[1, 2, 3, 4]), ", column Date: row 0: '1' is a plain number"),
        (LONG.assign(Date=[1.5, 2, 3, 4]), ", column Date: row 0: '1.5' is a plain number"),
        (LONG.drop(columns="Date"), ": column Date is missing; the columns are Symbol, Close, Note"),
        (LONG.iloc[:0], ": the file has no rows"),
        (WIDE.assign(A=[-1, 2]), ", column A: series A, row 0: A is -1"),
        (WIDE.assign(A=[None, None]), ", column A: series A: there is not one price"),
        (
            WIDE.set_axis(pd.MultiIndex.from_tuples([("Close", "A"), ("Open", "A")]), axis=1),
            ": the columns have",
        ),
    ],
)
def test_a_fault_in_parquet_is_named_by_series_and_row(tmp_path, table, expected):
    path = tmp_path / "prices.parquet"
    table.to_parquet(path)
    assert error_of(read_prices, path).startswith(f"{path}{expected}")


def test_whole_numbers_of_parquet_can_be_seconds(tmp_path):
    path = tmp_path / "prices.parquet"
    LONG.assign(Date=[1672617600, 1672704000] * 2).to_parquet(path)
    assert list(read_prices(path, dates="epoch")["ds"].dt.day) == [2, 3, 2, 3]


# What is accepted with a warning


def test_disorder_is_sorted_with_a_warning(write):
    path = write("Date,Close\n2023-01-02,1\n2023-01-04,1.2\n2023-01-03,1.1\n2023-01-05,1.3\n")
    with pytest.warns(DataWarning, match="line 4, column Date: .* not in order here") as caught:
        prices = read_prices(path)
    assert list(prices["y"]) == [1, 1.1, 1.2, 1.3]
    assert caught[0].filename == __file__


def test_jumps_are_warned_of_at_the_first(write):
    path = write("Date,A,B\n2023-01-02,1,1\n2023-01-03,2,1.1\n2023-01-04,4,1.2\n")
    with pytest.warns(
        DataWarning, match=r"line 3, column A: A jumps by about \+100 % .* first of 2"
    ) as caught:
        read_prices(path)
    assert len(caught) == 1


def test_a_gap_is_warned_of_with_its_length(write):
    path = write("Date,Close\n2023-01-02,1\n2023-01-03,1.1\n2023-01-04,1.2\n2023-03-04,1.3\n")
    with pytest.warns(DataWarning, match="gap of 59 days between lines 4 and 5"):
        read_prices(path)


def test_months_and_holiday_weeks_are_no_gaps(write):
    read_prices(write("Date,Close\n2023-01-31,1\n2023-02-28,1.1\n2023-03-31,1.2\n"))
    read_prices(write("Date,Close\n2023-01-02,1\n2023-01-03,1.1\n2023-01-04,1.2\n2023-01-16,1.3\n"))


def test_a_constant_series_is_warned_of(write):
    with pytest.warns(DataWarning, match=r"prices.csv, column Close: Close is constant"):
        read_prices(write(GOOD.replace("11", "10").replace("12", "10")))


# Frames


def test_a_frame_is_held_to_the_same_rules():
    prices = check_prices(frame([1.5, 1, 3, 4], ds=[1, 0, 0, 1], unique_id=["B", "B", "A", "A"]))
    assert list(prices["unique_id"]) == ["B", "B", "A", "A"]
    assert list(prices["ds"]) == [0, 1, 0, 1]
    assert list(prices["y"]) == [1, 1.5, 3, 4]
    assert list(check_prices(prices, symbols=["A"])["y"]) == [3, 4]
    pd.testing.assert_frame_equal(check_prices(prices), prices)


def test_a_frame_without_ids_is_one_series_in_utc_nanoseconds():
    ds = pd.date_range("2023-01-02", periods=2, tz="Asia/Seoul", unit="s")
    prices = check_prices(frame([1, 1.1], ds=ds))
    assert list(prices["unique_id"]) == ["y", "y"]
    assert prices["ds"].dtype == np.dtype("datetime64[ns]")
    assert prices["ds"].iloc[0] == pd.Timestamp("2023-01-01 15:00")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pd.DataFrame({"date": [1], "y": [1.0]}), "column ds is missing; the columns are date, y"),
        (frame([]), "the frame has no rows"),
        (frame([1.0, np.nan]), "column y: series y, row 1: 1 missing (rows 1)"),
        (frame([1.0, 0.0], unique_id="A"), "column y: series A, row 1: y is 0"),
        (frame([1.0, np.inf]), "row 1: y is inf"),
        (frame([1.0, "word"]), "column y: series y, row 1: 'word' is not a number"),
        (frame([1, 2], ds=[7, 7]), "column ds: series y, row 1: 7 is on rows 0 and 1"),
        (frame([1, 2], ds=pd.to_datetime(["2023-01-02"] * 2)), "2023-01-02 is on rows 0 and 1"),
        (frame([1, 2], ds=pd.to_datetime(["2023-01-02", None])), "column ds: row 1: no ds"),
        (frame([1, 2], ds=["2023-01-02", "2023-01-03"]), "column ds: ds holds"),
        (frame([1, 2], unique_id=["A", None]), "column unique_id: row 1: no unique_id"),
    ],
)
def test_a_fault_in_a_frame_is_named_by_series_and_row(given, expected):
    assert expected in error_of(check_prices, given)


def test_missing_rows_of_a_frame_can_be_dropped():
    assert list(check_prices(frame([1.0, None, 1.2]), on_missing="drop")["y"]) == [1, 1.2]
    with pytest.warns(DataWarning, match="gap of 80 between rows 2 and 3") as caught:
        check_prices(frame([1, 1.1, 1.2, 1.3], ds=[0, 1, 2, 82]))
    assert caught[0].filename == __file__


# The files of the benchmark data


def benchmark_data():
    if "TSRNN_BENCHMARK_DATA" not in os.environ:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    return Path(os.environ["TSRNN_BENCHMARK_DATA"])


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "series", "rows", "first"),
    [
        ("wiki_stocks.csv.gz", ["AAPL", "FB", "GOOG", "IBM", "MSFT"], 12154, 4.186662803811),
        ("sp500_index.csv.gz", ["SP500"], 8313, 359.69),
        ("kospi_2010_2022_raw.csv.gz", ["kospi_2010_2022_raw"], 3134, 1696.140015),
        ("us_factor_etfs.csv.gz", ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"], 11320, 52.704),
    ],
)
def test_real_files_are_read(name, series, rows, first):
    prices = read_prices(benchmark_data() / "prices" / name, on_missing="drop")
    assert list(prices["unique_id"].unique()) == series
    assert len(prices) == rows
    assert prices["y"].iloc[0] == first


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("us20_adjclose.csv.gz", 166260, "line 71, column RRC: RRC jumps by about -67 %"),
        ("vega_stocks_monthly.csv", 560, "line 147, column price: AMZN jumps by about"),
        ("btcusd_monthly.csv.gz", 156, "line 15, column Close"),
    ],
)
def test_real_jumps_are_warned_of(name, rows, expected):
    with pytest.warns(DataWarning, match=expected):
        prices = read_prices(benchmark_data() / "prices" / name)
    assert len(prices) == rows


@pytest.mark.benchmark_data
def test_real_faults_are_named():
    folder = benchmark_data() / "prices"
    assert "column Date is missing" in error_of(read_prices, folder / "eustockmarkets.csv.gz")
    assert "line 438, column Adj Close: 3 missing" in error_of(
        read_prices, folder / "kospi_2010_2022_raw.csv.gz"
    )
