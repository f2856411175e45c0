"""Malformed files of many kinds: each is read right, or answered in one line, soon."""

import codecs
import gzip
import io
import os
import socket

import numpy as np
import pandas as pd
import pytest

from tsrnn.data import read_prices, read_series
from tsrnn.errors import DataError

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
        pytest.param(ZIPPED[:2] + b"\x07" + ZIPPED[3:], "gzip data is damaged; copy or", id="method"),
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
