"""Every file of the folder broken_prices has the outcome that its list asks for, and so do faults beyond."""

import gzip
import io
import os
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import read_prices
from tsrnn.errors import DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("error", "ignore::tsrnn.errors.Notice")

GOOD = "Date,Open,Close\n2023-01-02,1,10\n2023-01-03,1,11\n2023-01-04,1,12\n"


def broken(name):
    if "TSRNN_BENCHMARK_DATA" not in os.environ:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    return Path(os.environ["TSRNN_BENCHMARK_DATA"]) / "broken_prices" / name


def error_of(path, **options):
    with pytest.raises(DataError) as caught:
        read_prices(path, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("02_missing_first_last.csv", ", line 2, column Close: 2 missing (lines 2, 301)"),
        ("04_infinite.csv", ", line 52, column Close: Close is inf"),
        ("06_duplicate_dates_conflict.csv", ", line 43, column Date: 2023-02-27 is on lines 42 and 43 with"),
        ("10_no_date_column.csv", ", line 1: column Date is missing; the columns are Open, High, Low, Close"),
        ("12_duplicate_column.csv", ", line 1: column Close appears twice"),
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
        ("76_unclosed_quote.csv", ", line 102: the quote that opens here is not closed"),
        ("84_unicode_digits.csv", ", line 2, column Close: '９９．３９' is not a plain number"),
        ("91_truncated.csv.gz", ": the file ends early"),
        ("95_gzip_bomb.csv.gz", ", line 2: the line is too large"),
        ("97_truncated.parquet", ": not a whole Parquet file (it has no footer)"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(name, expected):
    path = broken(name)
    start = time.process_time()
    assert error_of(path).startswith(expected)
    assert time.process_time() - start < 5


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("08_descending.csv", {}),
        ("21_korean_utf8.csv", {}),
        ("23_korean_cp949.csv", {}),
        ("27_crlf_cr.csv", {}),
        ("31_decimal_comma.csv", {"decimal": ","}),
        ("33_percent_in_close.csv", {"on_units": "drop"}),
        ("35_volume_suffix.csv", {}),
        ("44_epoch_seconds.csv", {"dates": "epoch"}),
        ("65_comment_lines.csv", {"comment": "#"}),
        ("78_formula_in_header.csv", {}),
        ("80_tabs.tsv", {}),
        ("82_all_quoted.csv", {}),
        ("86_minus_sign.csv", {}),
        ("93_not_gzip.csv.gz", {}),
    ],
)
def test_an_odd_file_holds_the_values_of_the_good_one(name, options):
    good = read_prices(broken("00_good.csv"))
    assert len(good) == 300
    pd.testing.assert_frame_equal(read_prices(broken(name), **options)[["ds", "y"]], good[["ds", "y"]])


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("46_timezone_dst.csv", 240, "column Date: a gap of 233 days between lines 120 and 121"),
        ("48_gap_two_years.csv", 300, "column Date: a gap of 733 days between lines 151 and 152"),
        ("53_split_50_to_1.csv", 300, "line 152, column Close: 53_split_50_to_1 jumps by about -98 %"),
        ("55_constant.csv", 300, "column Close: Close is constant"),
    ],
)
def test_an_odd_file_is_read_with_a_warning(name, rows, expected):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        prices = read_prices(broken(name))
    assert len(prices) == rows
    assert not prices.duplicated("ds").any()
    assert np.isfinite(prices["y"]).all()
    (message,) = [str(warning.message) for warning in caught]
    assert message.startswith(str(broken(name)))
    assert expected in message


@pytest.mark.benchmark_data
def test_what_remains_of_the_list():
    assert len(read_prices(broken("02_missing_first_last.csv"), on_missing="drop")) == 298
    # One row is read; how many a model needs is for its windows to say.
    assert len(read_prices(broken("63_one_row.csv"))) == 1
    message = error_of(broken("35_volume_suffix.csv"), column="Volume")
    assert message.startswith(", line 2, column Volume: '2.15M' is not a plain number")


def test_one_field_of_10_mib_is_refused_within_2_seconds_and_200_mb(tmp_path):
    path = tmp_path / "74_single_line_10mb.csv"
    path.write_bytes(b"Date,Close\n" + b"9" * 10 * 2**20)
    tracemalloc.start()
    start = time.process_time()
    message = error_of(path)
    elapsed = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message.startswith(", line 2: the line is too large")
    assert elapsed < 2
    assert peak < 200e6


def parquet():
    buffer = io.BytesIO()
    pd.DataFrame({"Date": pd.date_range("2023-01-02", periods=3), "Close": [10, 11, 12]}).to_parquet(buffer)
    return buffer.getvalue()


def archive(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, GOOD)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(GOOD.replace("\n", ",\n"), [10, 11, 12], id="separator after every row"),
        pytest.param(
            '"Date","Close"\r\n"2023-01-02","10"\n"2023-01-03","11"\r\n', [10, 11], id="quotes and mixed ends"
        ),
        pytest.param("Date,Close\n2023-01-02 09:00:00.123456,2\n", [2], id="microseconds"),
        pytest.param(
            gzip.compress(GOOD[:30].encode(), mtime=0) + gzip.compress(GOOD[30:].encode(), mtime=0),
            [10, 11, 12],
            id="gzip in two members",
        ),
        pytest.param(parquet(), [10, 11, 12], id="Parquet by another name"),
        pytest.param(f"Date,Symbol,Close\n2023-01-02,{'A' * 5000},2\n", [2], id="long symbol"),
        pytest.param("Date,Close\n2023-01-02,1,\n", ", line 2: 3 fields where 2", id="separator after a row"),
        pytest.param(GOOD + GOOD, ", line 5, column Date: 'Date' does not fit", id="header twice"),
        pytest.param(
            GOOD.replace("\n2023-01-02", "\n\ufeff2023-01-02"),
            ", line 2, column Date: ' 2023-01-02' is not a date",
            id="mark in the second line",
        ),
        pytest.param(
            "Date,Open,Close\n2023-01-02\t1\t2\n", ", line 2: 1 fields where 3", id="commas, then tabs"
        ),
        pytest.param("Date,Close\nMon 2023-01-02,1\n", ", line 2, column Date: 'Mon 2023", id="weekdays"),
        pytest.param("Date,Close\n2023-W01-1,1\n", ", line 2, column Date: '2023-W01-1' is", id="ISO weeks"),
        pytest.param(
            'Date,Close\n2023-01-02,"1,234.50"\n', ", line 2, column Close: '1,234.50' is", id="thousands"
        ),
        pytest.param(
            "Date;Close\n2023-01-02;1\u00a0234,50\n", ", line 2, column Close: '1 234,50'", id="hard spaces"
        ),
        pytest.param("Date,Close\n2023-01-02,-5\n", ", line 2, column Close: Close is -5", id="negative"),
        pytest.param("Date,Close\n2023-01-02,(5.5)\n", ", line 2, column Close: '(5.5)'", id="brackets"),
        pytest.param("Date,Close", ": the file has a header but no rows", id="header alone"),
        pytest.param(",,\n" + GOOD, ", line 1: the first line names no columns", id="blank cells first"),
        pytest.param(
            f"Date,Symbol,Close\n2023-01-02,{'A' * 5000},2\n2023-01-02,{'A' * 5000},3\n",
            ", line 3, column Date: 2023-01-02 is on lines 2 and 3",
            id="fault of a long symbol",
        ),
        pytest.param("Date,Symbol,Close\n2023-01-02,A\x1b[31m,2\n", ", line 2: a control", id="escape code"),
        pytest.param(
            "Date,Symbol,Close\n2023-01-02,A\u009b31m,2\n", ": the series 'A 31m' has", id="C1 code"
        ),
        pytest.param("Date,A\u202eB\n2023-01-02,2\n", "(U+202E); remove it", id="reversed name"),
        pytest.param(GOOD.replace("11", "1\0001"), ", line 3: a control character", id="NUL byte"),
        pytest.param(
            gzip.compress(parquet(), mtime=0), ": the file is Parquet inside gzip", id="Parquet in gzip"
        ),
        pytest.param(parquet()[:-9], ": not a whole Parquet file (it has no footer)", id="Parquet cut"),
        pytest.param(parquet()[:4] + bytes(60) + parquet()[64:], "data is damaged", id="Parquet damaged"),
        pytest.param(archive("a.csv"), ": the file is a ZIP file; unpack it first", id="ZIP"),
        pytest.param(archive("[Content_Types].xml"), ": the file is an Excel workbook", id="Excel"),
        pytest.param(b"\xd0\xcf\x11\xe0 old", ": the file is an old Excel workbook", id="old Excel"),
        pytest.param('[{"Date": "2023-01-02"}]', ": looks like JSON", id="JSON"),
        pytest.param(
            'Date,Close\n"2023-01-02"x,1\n', ", line 2: a letter follows a quote", id="quote inside"
        ),
    ],
)
def test_a_fault_beyond_the_list_is_read_or_refused_in_one_line(tmp_path, content, expected):
    path = tmp_path / "prices.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if isinstance(expected, list):
        assert list(read_prices(path)["y"]) == expected
    else:
        assert expected in error_of(path)
