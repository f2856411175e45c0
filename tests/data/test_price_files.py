import gzip
import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import check_prices, read_prices
from tsrnn.errors import ConfigError, DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("error")

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
    assert "on_missing=drop" in message
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
        pytest.param("Date,Close,Close\n", "line 1: column Close twice", id="close twice"),
        pytest.param("Date,A,B,A\n", "line 1: column A twice", id="symbol twice"),
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
        pytest.param(GOOD.encode("utf-16"), "not a text file", id="UTF-16"),
        pytest.param("\n<!DOCTYPE html><p>", "looks like HTML", id="HTML"),
        pytest.param(gzip.compress(GOOD.encode(), mtime=0)[:-9], "the file ends early", id="gzip cut short"),
        pytest.param(gzip.compress(GOOD.encode(), mtime=0)[:-8] + bytes(8), "is damaged", id="gzip damaged"),
        pytest.param(b"PAR1 whole PAR1", "Parquet is not read yet", id="Parquet"),
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


# What is accepted with a warning


def test_disorder_is_sorted_with_a_warning(write):
    path = write("Date,Close\n2023-01-02,1\n2023-01-04,1.2\n2023-01-03,1.1\n2023-01-05,1.3\n")
    with pytest.warns(DataWarning, match="line 4, column Date: .* not in order here") as caught:
        prices = read_prices(path)
    assert list(prices["y"]) == [1, 1.1, 1.2, 1.3]
    assert caught[0].filename == __file__


def test_a_jump_is_warned_of_once_a_series(write):
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
    ("name", "expected"),
    [
        ("02_missing_first_last.csv", ", line 2, column Close: 2 missing (lines 2, 301)"),
        ("04_infinite.csv", ", line 52, column Close: Close is inf"),
        ("06_duplicate_dates_conflict.csv", ", line 43, column Date: 2023-02-27 is on lines 42 and 43 with"),
        ("10_no_date_column.csv", ", line 1: column Date is missing; the columns are Open, High, Low, Close"),
        ("12_duplicate_column.csv", ", line 1: column Close twice"),
        ("14_ragged_rows.csv", ", line 72: 4 fields where 6 are expected"),
        ("25_mixed_encoding.csv", ", line 152: not valid UTF-8"),
        ("31_decimal_comma.csv", ", line 2, column Close: '99,39' is not a plain number"),
        ("33_percent_in_close.csv", ", line 2, column Close: '99.39%' is not a plain number"),
        ("40_two_date_formats.csv", ", line 152, column Date: '31/07/2023' does not fit"),
        ("42_impossible_dates.csv", ", line 32, column Date: '2023-02-30'"),
        ("44_epoch_seconds.csv", ", line 2, column Date: '1672617600' is a plain number"),
        ("51_zero_price.csv", ", line 62, column Close: Close is 0"),
        ("57_huge_numbers.csv", ", line 2, column Close: Close is 9.939e+301: too large"),
        ("61_empty.csv", ": the file is empty"),
        ("65_comment_lines.csv", ", line 1: a comment"),
        ("70_binary_junk.csv", ": not a text file"),
        ("72_html_named_csv.csv", ": looks like HTML"),
        ("74_single_line_10mb.csv", ", line 2: the line is too large"),
        ("76_unclosed_quote.csv", ", line 102: the quote that opens here is not closed"),
        ("84_unicode_digits.csv", ", line 2, column Close: '９９．３９' is not a plain number"),
        ("91_truncated.csv.gz", ": the file ends early"),
        ("95_gzip_bomb.csv.gz", ", line 2: the line is too large"),
        ("97_truncated.parquet", ": not a whole Parquet file (it has no footer)"),
    ],
)
def test_a_broken_file_is_refused(name, expected):
    path = benchmark_data() / "broken_prices" / name
    if not path.exists():
        pytest.skip(f"{name} is not in this copy of the benchmark data")
    start = time.perf_counter()
    assert error_of(read_prices, path).startswith(f"{path}{expected}")
    assert time.perf_counter() - start < 5


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("00_good.csv", 300, None),
        ("08_descending.csv", 300, None),
        ("21_korean_utf8.csv", 300, None),
        ("23_korean_cp949.csv", 300, None),
        ("27_crlf_cr.csv", 300, None),
        ("35_volume_suffix.csv", 300, None),
        ("46_timezone_dst.csv", 240, "column Date: a gap of 233 days between lines 120 and 121"),
        ("48_gap_two_years.csv", 300, "column Date: a gap of 733 days between lines 151 and 152"),
        ("53_split_50_to_1.csv", 300, "line 152, column Close: 53_split_50_to_1 jumps by about -98 %"),
        ("55_constant.csv", 300, "column Close: Close is constant"),
        ("63_one_row.csv", 1, None),
        ("78_formula_in_header.csv", 300, None),
        ("80_tabs.tsv", 300, None),
        ("82_all_quoted.csv", 300, None),
        ("86_minus_sign.csv", 300, None),
        ("93_not_gzip.csv.gz", 300, None),
    ],
)
def test_an_odd_file_is_read(name, rows, expected):
    folder = benchmark_data() / "broken_prices"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        prices = read_prices(folder / name)
    assert len(prices) == rows
    assert not prices.duplicated("ds").any()
    assert np.isfinite(prices["y"]).all()
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == (expected is not None)
    if expected is not None:
        assert messages[0].startswith(str(folder / name))
        assert expected in messages[0]
    elif rows == 300:
        good = read_prices(folder / "00_good.csv")
        pd.testing.assert_frame_equal(prices[["ds", "y"]], good[["ds", "y"]])


@pytest.mark.benchmark_data
def test_the_ends_of_a_file_can_be_dropped():
    path = benchmark_data() / "broken_prices" / "02_missing_first_last.csv"
    assert len(read_prices(path, on_missing="drop")) == 298


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
