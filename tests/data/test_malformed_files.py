"""Malformed files of many kinds: each is read right, or answered in one line, soon."""

import codecs
import gzip
import io
import os
import re
import socket
import time

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import read_prices, read_series
from tsrnn.errors import DataError, DataWarning, Notice

pytestmark = pytest.mark.filterwarnings("error", "ignore::tsrnn.errors.Notice")

ROWS = 60
DAYS = pd.bdate_range("2023-01-02", periods=ROWS)
CLOSE = np.round(100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, ROWS))), 2)


def table(**columns):
    """A good table of daily prices, but for the columns that are given."""
    bars = {"Open": CLOSE, "High": CLOSE + 1, "Low": CLOSE - 1, "Close": CLOSE, "Volume": 1000}
    return pd.DataFrame({"Date": DAYS.strftime("%Y-%m-%d"), **bars, **columns})


def text(separator=",", **columns):
    return table(**columns).to_csv(index=False, sep=separator)


GOOD = text()
LINES = GOOD.splitlines(keepends=True)
ZIPPED = gzip.compress(GOOD.encode(), mtime=0)


def parquet(frame):
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def error_of(path, reader=read_prices, **options):
    with pytest.raises(DataError) as caught:
        reader(path, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 500
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def days(form):
    return DAYS.strftime(form)


def since(unit, epoch="1970-01-01"):
    return (DAYS - pd.Timestamp(epoch)) // pd.Timedelta(1, unit)


# What is not a file, and what is not whole


def test_what_is_not_a_file_is_said_and_never_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    with socket.socket(socket.AF_UNIX) as door:
        monkeypatch.chdir(tmp_path)  # a socket's whole path may be too long
        door.bind("socket")
    places = {
        tmp_path / "pipe": "this is a pipe, where a file is needed",
        tmp_path / "socket": "this is a device or a socket, where a file is needed",
        "/dev/zero": "this is a device or a socket",
        tmp_path / "loop": "Too many levels of symbolic links",
        tmp_path / "gone.csv": "there is no such file",
        tmp_path / ("a" * 300): "File name too long",
    }
    for path, expected in places.items():
        for reader in (read_prices, read_series):
            with pytest.raises(DataError) as caught:
                reader(path)
            assert expected in str(caught.value)
            assert str(caught.value).isprintable()
    assert "this is a folder" in error_of(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            ZIPPED[: len(ZIPPED) // 2], r"the file ends early.*\(line \d\d is the last whole", id="cut"
        ),
        pytest.param(
            ZIPPED[:5], "the file ends early: its gzip data is cut short; copy", id="its header cut"
        ),
        pytest.param(ZIPPED[:-8] + bytes(8), r"is damaged \(line 61 is the last whole one\)", id="checksum"),
        pytest.param(ZIPPED + b"tail", r"is damaged \(line 61 is the last whole one\)", id="more behind"),
        pytest.param(
            ZIPPED[:2] + b"\x07" + ZIPPED[3:],
            "gzip data is damaged, or the file is not gzip; copy",
            id="method",
        ),
    ],
)
def test_damaged_gzip_says_how_far_it_is_whole(tmp_path, content, expected):
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=expected):
        read_prices(path)


def test_damaged_parquet_is_read_or_refused_whatever_is_hit(tmp_path):
    whole = parquet(table())
    path = tmp_path / "prices.parquet"
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    doors = [(read_prices, {}), (read_series, {"time_column": "Date", "value_column": "Close"})]
    refused = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        content = bytearray(whole)
        for place in rng.integers(footer if seed % 2 else 4, len(whole) - 8, rng.integers(1, 20)):
            content[place] ^= rng.integers(1, 256)
        path.write_bytes(content)
        for reader, columns in doors:
            try:
                reader(path, **columns)
            except DataError as error:
                refused.append(str(error))
            except UserWarning:
                pass  # a number that has become a jump
    assert len(refused) > 40
    assert all(message.isprintable() for message in refused)
    for cut in (3, 4, 11, footer, len(whole) - 8):
        path.write_bytes(whole[:cut])
        assert "arquet file" in error_of(path)


# The encoding, and what is no text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(codecs.BOM_UTF8 + GOOD.encode(), None, id="mark of UTF-8"),
        pytest.param(GOOD.encode("utf-16"), None, id="UTF-16"),
        pytest.param(GOOD.encode("utf-32"), None, id="UTF-32"),
        pytest.param(GOOD.replace("\n", "\r\n", 9).replace("\n", "\r", 20).encode(), None, id="line ends"),
        pytest.param(GOOD.replace("Date", "일자").replace("Close", "종가").encode("cp949"), None, id="cp949"),
        pytest.param(text("\t").encode(), None, id="tabs"),
        pytest.param(text("|").encode(), None, id="bars"),
        pytest.param(GOOD.encode("utf-32")[:-3], ": not valid UTF-32; save it as UTF-8", id="UTF-32 cut"),
        pytest.param(GOOD.encode("utf-16-le"), ": looks like UTF-16 without its mark", id="no mark, little"),
        pytest.param(GOOD.encode("utf-16-be"), ": looks like UTF-16 without its mark", id="no mark, big"),
        pytest.param(text(Note="é").encode("latin-1"), ", line 2: not valid UTF-8 (byte e9)", id="latin-1"),
        pytest.param(
            text(Name="삼성").encode("cp949"), ", line 2: not valid UTF-8 (byte bb)", id="cp949 in cells"
        ),
        pytest.param(
            GOOD.encode() + bytes(99), ", line 62: a control character (NUL), the first of", id="NULs"
        ),
        pytest.param(GOOD.encode() + b"\x1a", ", line 62: a control character (hexadecimal 1a)", id="Ctrl-Z"),
        pytest.param(table().to_json(orient="records").encode(), ": looks like JSON", id="JSON"),
        pytest.param(table().to_json(orient="records", lines=True).encode(), ": looks like JSON", id="lines"),
        pytest.param(b"<?xml version='1.0'?><a/>", ": looks like HTML", id="XML"),
        pytest.param(b"PK\x05\x06" + bytes(18), ": the file is a ZIP file; unpack it first", id="empty ZIP"),
        pytest.param(gzip.compress(ZIPPED, mtime=0), ": the file is gzip inside gzip", id="gzip twice"),
        pytest.param(parquet(table())[4:], ": not a text file", id="Parquet without its head"),
    ],
)
def test_the_encoding_is_known_or_named(tmp_path, content, expected):
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    if expected is None:
        assert list(read_prices(path)["y"]) == list(CLOSE)
    else:
        assert error_of(path).startswith(expected)


# Dates


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        pytest.param(days("%Y-%m-%dT%H:%M:%SZ"), None, id="zone"),
        pytest.param(days("%d-%b-%Y"), None, id="D-Mon-YYYY"),
        pytest.param(days("%Y년 %m월 %d일"), None, id="Korean"),
        pytest.param(since("D", "1899-12-30"), "(in Excel, where it is 2023-01-02, format", id="Excel"),
        pytest.param(since("s"), "(dates='epoch' reads it as 2023-01-02)", id="seconds"),
        pytest.param(since("ms"), "(dates='epoch' reads it as 2023-01-02)", id="milliseconds"),
        pytest.param(since("us"), "(dates='epoch' reads it as 2023-01-02)", id="microseconds"),
        pytest.param(since("ns"), "(dates='epoch' reads it as 2023-01-02)", id="nanoseconds"),
        pytest.param(np.arange(ROWS), "'0' is a plain number; write dates as YYYY-MM-DD", id="numbers"),
        pytest.param(days("%d/%m/%y"), "'02/01/23' is not a date; write", id="short years"),
        pytest.param(days("%Y-%m-%d 09:30 AM"), "ends in '09:30 AM'; write times as HH:MM:SS", id="AM"),
        pytest.param(days("%Y-%m-%d 09:30:00 EST"), "ends in '09:30:00 EST'; write times", id="zone's name"),
        pytest.param(
            [f"{1 + n % 12:02d}/{1 + n // 12:02d}/2023" for n in range(ROWS)],
            "line 3, column Date: '02/01/2023' can be DD/MM/YYYY or MM/DD/YYYY, and no line tells which; "
            "dates='dmy' reads it as 2023-01-02, dates='mdy' reads it as 2023-02-01 "
            "(only with dmy are the rows in order of time)",
            id="day or month",
        ),
        pytest.param(
            [*days("%Y-%m-%d")[:30], *days("%d/%m/%Y")[30:]], "line 32, column Date: '13/02", id="two formats"
        ),
        pytest.param([*days("%Y-%m-%d")[:-1], ""], "line 61, column Date: '' does not fit", id="none"),
        pytest.param([*days("%Y-%m-%d")[:-1], "NaT"], "line 61, column Date: 'NaT' does not fit", id="NaT"),
        pytest.param(
            ["0001-01-01", *days("%Y-%m-%d")[1:]], "line 2, column Date: '0001-01-01' is", id="year 1"
        ),
        pytest.param(
            [*days("%Y-%m-%d")[:-1], "9999-12-31"], "'9999-12-31' is not a date that", id="year 9999"
        ),
        pytest.param(["2016-12-31 23:59:60", *days("%Y-%m-%d %H:%M:%S")[1:]], "23:59:60' is not", id="leap"),
    ],
)
def test_dates_are_read_right_or_refused_with_what_they_may_be(tmp_path, dates, expected):
    path = tmp_path / "prices.csv"
    path.write_text(text(Date=dates))
    if expected is None:
        assert list(read_prices(path)["ds"]) == list(DAYS)
    else:
        assert expected in error_of(path)
        assert "1970" not in error_of(path)


def test_day_numbers_of_excel_are_no_seconds(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(text(Date=since("D", "1899-12-30")))
    assert "'44928' is a day number of Excel" in error_of(path, dates="epoch")


# Numbers


def test_a_column_without_one_price_is_not_a_column_with_some_missing(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(text(Close=""))
    assert (
        error_of(path)
        == ", column Close: there is not one price on 60 lines; column='NAME' reads another column"
    )
    assert "not one price" in error_of(path, on_missing="drop")
    words = ["null", "N/A", "-", "#N/A", "None", "<NA>", "nan", "", "--", "#N/A N/A"]
    path.write_text(text(Close=[*words, *CLOSE[10:]]))
    assert error_of(path).startswith(
        ", line 2, column Close: 10 missing (lines 2, 3, 4, 5, 6, …); on_missing="
    )
    assert list(read_prices(path, on_missing="drop")["y"]) == list(CLOSE[10:])


@pytest.mark.parametrize(
    ("close", "expected"),
    [
        pytest.param([f"{price:e}" for price in CLOSE], None, id="scientific"),
        pytest.param([f" {price} " for price in CLOSE], None, id="spaces"),
        pytest.param([f"{price}%" for price in CLOSE], "; on_units='drop' reads it as 100.13", id="percent"),
        pytest.param(
            [f"({price})" for price in CLOSE], "; write a negative number as -100.13", id="brackets"
        ),
        pytest.param(
            [f"'{price}" for price in CLOSE], "is not a plain number, such as 98.76", id="apostrophe"
        ),
        pytest.param([f"{price:.0f} 1/2" for price in CLOSE], "is not a plain number", id="fractions"),
        pytest.param(["1e308", *CLOSE[1:]], "Close is 1e+308: too large", id="huge"),
        pytest.param(["inf", *CLOSE[1:]], "Close is inf: an infinite value", id="infinite"),
        pytest.param([0, *CLOSE[1:]], "Close is 0: a price must be above 0", id="zero"),
        pytest.param([-1, *CLOSE[1:]], "Close is -1: a price must be above 0", id="negative"),
    ],
)
def test_numbers_are_read_right_or_refused(tmp_path, close, expected):
    path = tmp_path / "prices.csv"
    path.write_text(table(Close=close)[["Date", "Close"]].to_csv(index=False))
    if expected is None:
        np.testing.assert_allclose(read_prices(path)["y"], CLOSE)
    else:
        assert expected in error_of(path)


# Headers and rows


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("".join(LINES[1:]), ", line 1: these are values and not a header; write", id="none"),
        pytest.param("sep=;\n" + text(";"), "(line 2 may be the header: delete", id="Excel's separator"),
        pytest.param("Symbol: A\n\n" + GOOD, "(line 3 may be the header: delete", id="preamble"),
        pytest.param(text(" "), "(columns are separated by commas, semicolons, tabs or bars,", id="spaces"),
        pytest.param(
            table().set_index("Date").T.to_csv(),
            ", line 1: the columns are dates (2023-01-02",
            id="on its side",
        ),
        pytest.param(
            table().rename(columns={"Date": "Price"}).replace("2023-01-02", "Date").to_csv(index=False),
            "(line 2 may be the header: delete the lines above it)",
            id="several lines",
        ),
        pytest.param("".join([*LINES[:9], *LINES]), ", line 10, column Date: 'Date' does not", id="twice"),
        pytest.param(
            table()[["Date", "Volume", "High"]].to_csv(), "no column of prices, name it", id="no price"
        ),
        pytest.param(
            table(Last=CLOSE)[["Date", "Last", "Volume"]].to_csv(index=False),
            "no column of prices, name it with column='NAME'; the columns are Date, Last, Volume",
            id="volume is no symbol",
        ),
        pytest.param(
            table(A=CLOSE, Note="x")[["Date", "A", "Note"]].to_csv(index=False),
            "column Note: 'x' is not a plain number, such as 98.76; symbols says which columns to read",
            id="words in wide",
        ),
        pytest.param(
            "Date,Close\n" + "".join(LINES[1:]), ", line 2: 6 fields where 2 are", id="short header"
        ),
        pytest.param("".join(LINES) + LINES[9], "with the same value; keep one of them", id="a row twice"),
        pytest.param(
            pd.concat([table(Name="A"), table(Name="B")]).to_csv(index=False),
            "keep one of them, or call the column that names the series Symbol (is it Name?)",
            id="symbols by another name",
        ),
        pytest.param(
            pd.concat([table(Time="09:00"), table(Time="10:00")]).to_csv(index=False),
            "keep one of them, or write date and Time in one column",
            id="times apart",
        ),
        pytest.param("INSERT INTO x VALUES (1);", "column Date is missing", id="SQL"),
        pytest.param("Date: 2023\nClose: 1\n", "column Date is missing", id="YAML"),
        pytest.param("<table><tr><td>1", ": looks like HTML", id="a table of HTML"),
    ],
)
def test_a_header_that_is_none_is_said(tmp_path, content, expected):
    path = tmp_path / "prices.csv"
    path.write_text(content)
    assert expected in error_of(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(table().to_csv(), id="an index"),
        pytest.param(table().set_index("Date").rename_axis(None).to_csv(), id="dates as an index"),
        pytest.param("".join(line + "\n" for line in LINES), id="blank lines"),
        pytest.param(GOOD + ",,,,,\n" * 9, id="rows of separators below"),
        pytest.param(LINES[0] + "  \n,,,,,\n" + "".join(LINES[1:]), id="rows of separators above"),
        pytest.param(GOOD.replace("\n", ",\n"), id="a separator at the end"),
        pytest.param(text(Note='a "b"\n,c'), id="quotes and line feeds"),
        pytest.param("".join([LINES[0], *LINES[:0:-1]]), id="newest first"),
    ],
)
def test_odd_rows_do_no_harm(tmp_path, content):
    path = tmp_path / "prices.csv"
    path.write_text(content)
    assert list(read_prices(path)["y"]) == list(CLOSE)


@pytest.mark.filterwarnings("error::tsrnn.errors.Notice")
def test_columns_that_are_not_used_are_said_with_what_uses_them(tmp_path):
    path = tmp_path / "prices.csv"
    said = "column Close is used; columns that are not used: Open, High, Low, Volume"
    for content, expected in {
        GOOD: f"{said} (column='NAME' uses another)",
        text(
            **{f"x{n}": 1 for n in range(10)}, Note="x"
        ): f"{said}, x0, x1, x2, x3, x4, x5, x6, x7, 3 more (",
        table().to_csv(): "columns that are not used: Open, High, Low, Volume, 1 without a name (",
    }.items():
        path.write_text(content)
        with pytest.warns(Notice) as caught:
            read_prices(path)
        assert expected in str(caught[0].message)
        assert caught[0].filename == __file__
    path.write_text(table()[["Date", "Close"]].to_csv(index=False))
    read_prices(path)


@pytest.mark.parametrize(
    ("header", "cell", "expected"),
    [
        pytest.param("Date" + ",A" * 200_000, "1", ", line 1: column A appears 200000 times", id="one name"),
        pytest.param(
            ",".join(["Date", *map("c{}".format, range(200_000))]),
            "1",
            "200000 columns are read",
            id="series",
        ),
        pytest.param(LINES[0].strip() + "," * 199_995, "100", None, id="columns without a name"),
        pytest.param(
            ",".join(map("c{}".format, range(200_001))), "1", "column Date is missing", id="no date"
        ),
    ],
)
def test_200_000_columns_are_answered_soon(tmp_path, header, cell, expected):
    path = tmp_path / "prices.csv"
    path.write_text(header + "".join(f"\n2023-01-0{day}" + f",{cell}" * 200_000 for day in (2, 3)))
    start = time.process_time()
    if expected is None:
        with pytest.warns(DataWarning, match="Close is constant"):
            assert list(read_prices(path)["y"]) == [100, 100]
    else:
        with pytest.raises((DataError, DataWarning), match=expected):
            read_prices(path)
    assert time.process_time() - start < 10


def test_a_table_of_too_many_cells_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("tsrnn.data.tables.files._CELL_LIMIT", 2**20)
    path = tmp_path / "prices.csv"
    path.write_text((LINES[0].strip() + "," * 100_000 + "\n") * 11)
    assert "the table is too large, more than 1 million cells (100006 columns)" in error_of(path)


# What is read with a warning


def split(ratio, at=30, back=ROWS):
    """The table with prices divided from one row on, until another."""
    factor = np.where((np.arange(ROWS) >= at) & (np.arange(ROWS) < back), 1 / ratio, 1)
    bars = table().loc[:, "Open":"Close"].mul(factor, axis=0).round(4)
    return table(**bars)


def moved(column, row, factor):
    """The table with one number of a column changed."""
    values = table()[column].to_numpy(float).copy()
    values[row] *= factor
    return table(**{column: values})


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        pytest.param(
            split(2), "line 32, column Close: prices jumps by about -51 % from .* a split of 2:1", id="2:1"
        ),
        pytest.param(split(3), "jumps by about -67 % from the value before; a split of 3:1 may be", id="3:1"),
        pytest.param(split(1.5), "jumps by about -3[34] % .*; a split of 3:2 may be unadjusted", id="3:2"),
        pytest.param(
            split(0.1), r"jumps by about \+8\d\d % .*; a split of 1:10 may be unadjusted", id="1:10"
        ),
        pytest.param(
            split(2, 30, 31), "line 32.*it is back on line 33, so that a price may be wrong", id="spike"
        ),
        pytest.param(
            split(2, 30, 34), "line 32.*it is back on line 36, so that a price may be", id="a few days"
        ),
        pytest.param(
            moved("High", 9, 0.9), "line 11, column Close: the high of [0-9.]+ is below the low of", id="high"
        ),
        pytest.param(moved("Low", 9, 1.015), "line 11.*the open of [0-9.]+ is below the low of", id="low"),
        pytest.param(
            moved("Close", 9, 1.03), "line 11.*: the close of [0-9.]+ is above the high", id="close"
        ),
        pytest.param(moved("Open", 9, 0.97), "line 11.*: the open of [0-9.]+ is below the low", id="open"),
        pytest.param(
            table(Date=pd.bdate_range(pd.Timestamp.now().normalize(), periods=ROWS).strftime("%Y-%m-%d")),
            r"line \d+, column Date: .* is in the future \(today is .*, the first of \d\d such prices",
            id="future",
        ),
        pytest.param(
            pd.concat([table()[:2], table()[4:5], table()[3:4], table()[2:3], table()[5:]]),
            r"line 5, column Date: .*not in order here \(2023-01-05 after 2023-01-06 on line 4\), the",
            id="not in order",
        ),
        pytest.param(
            table()[::-1].iloc[[0, 1, 3, 2, *range(4, ROWS)]],
            r"line 5, column Date: .*not in order here \(2023-03-22 after 2023-03-21 on line 4\); they are",
            id="newest first, but for one",
        ),
        pytest.param(
            pd.concat([table(Symbol="BRK B"), table(Symbol="brk  b")]),
            "BRK B and brk  b are read as two series",
            id="names in two ways",
        ),
    ],
)
def test_an_odd_price_is_used_with_one_warning(tmp_path, frame, expected):
    path = tmp_path / "prices.csv"
    frame.to_csv(path, index=False)
    with pytest.warns(DataWarning, match=expected) as caught:
        prices = read_prices(path)
    assert len(prices) == len(frame)
    assert [warning.category for warning in caught].count(DataWarning) == 1
    # Parquet has rows, counted from 0, in place of lines.
    frame.to_parquet(path)
    with pytest.warns(DataWarning, match=re.sub(r"lines? (\\d\+|\d+)(, column \w+:)?", ".*", expected)):
        read_prices(path)


def test_what_markets_do_is_no_split(tmp_path):
    path = tmp_path / "prices.csv"
    rng = np.random.default_rng(1)
    wild = np.round(np.exp(np.cumsum(rng.normal(0, 0.15, ROWS))), 4)  # 40 % in a day is a common move
    assert np.abs(np.diff(np.log(wild))).max() > 0.36
    table(Close=wild)[["Date", "Close"]].to_csv(path, index=False)
    read_prices(path)
    adjusted = split(1.9).rename(columns={"Close": "Adj Close"})
    adjusted.to_csv(path, index=False)
    read_prices(path)
    # A day without trades has no open, high and low.
    idle = table()
    idle.loc[5, ["Open", "High", "Low"]] = 0
    idle.to_csv(path, index=False)
    read_prices(path)
    # A column that is not used may hold anything.
    table(High="n/a", Low="x").to_csv(path, index=False)
    read_prices(path)
