import gzip
import os
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tsrnn.data import read_series
from tsrnn.data.panels import files as module
from tsrnn.data.panels.frames import panel_from_frame
from tsrnn.errors import ConfigError, DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("error", "ignore::tsrnn.errors.Notice")

LONG = "unique_id,ds,y\nB,2023-05-01,1.5\nB,2023-05-02,-2\nA,2023-05-02,0\nA,2023-05-03,4\n"


@pytest.fixture
def write(tmp_path):
    def write(content, name="load.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def frame(ids, ds, y):
    return pd.DataFrame({"unique_id": ids, "ds": ds, "y": y})


def error_of(function, *args, **options):
    with pytest.raises(DataError) as caught:
        function(*args, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def days(*numbers):
    return [np.datetime64(f"2023-05-{number:02d}", "ns") for number in numbers]


# The forms


def check_long(panel):
    assert panel.unique_ids == ("B", "A")
    assert list(panel.ds) == days(1, 2, 3)
    assert panel.ds.dtype == np.dtype("datetime64[ns]")
    np.testing.assert_array_equal(panel.values, [[1.5, -2, np.nan], [np.nan, 0, 4]])
    assert panel.ends is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(LONG, id="plain"),
        pytest.param(gzip.compress(LONG.encode(), mtime=0), id="gzip"),
        pytest.param(LONG.replace(",", ";"), id="semicolons"),
        pytest.param(LONG.replace(",", " , "), id="spaces"),
        pytest.param(LONG.replace("\n", ",word\n").replace("y,word", "y,note"), id="another column"),
    ],
)
def test_a_long_csv_is_a_panel_on_the_union_of_its_dates(write, content):
    check_long(read_series(write(content)))


def test_a_long_parquet_file_and_a_folder_of_them_are_the_same_panel(tmp_path):
    table = frame(list("BBAA"), days(1, 2, 2, 3), [1.5, -2, 0, 4]).assign(extra="word")
    table.to_parquet(tmp_path / "all.parquet")
    (tmp_path / "parts" / "2").mkdir(parents=True)
    table.iloc[:1].to_parquet(tmp_path / "parts" / "1.parquet", index=False)
    table.iloc[1:].to_parquet(tmp_path / "parts" / "2" / "1.parquet", index=False)
    check_long(read_series(tmp_path / "all.parquet"))
    check_long(read_series(tmp_path / "parts"))
    (tmp_path / "none").mkdir()
    assert "no Parquet files" in error_of(read_series, tmp_path / "none")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda table: table, id="plain"),
        pytest.param(lambda table: table.set_index("unique_id"), id="names as index"),
        pytest.param(lambda table: table.set_index(["unique_id", "ds"]), id="names and times as index"),
        pytest.param(lambda table: table.astype({"unique_id": "category"}), id="names as categories"),
        pytest.param(lambda table: table.assign(ds=table["ds"].astype(str)), id="dates as text"),
        pytest.param(lambda table: table.assign(ds=table["ds"].dt.date), id="dates as days"),
        pytest.param(lambda table: table.assign(ds=table["ds"].dt.as_unit("s")), id="dates in seconds"),
        pytest.param(
            lambda table: table.assign(ds=(table["ds"] + pd.Timedelta("9h")).dt.tz_localize("Asia/Seoul")),
            id="dates with a zone",
        ),
        pytest.param(lambda table: table.assign(y=table["y"].astype("float32")), id="float32"),
        pytest.param(lambda table: table.assign(y=[Decimal(str(y)) for y in table["y"]]), id="decimals"),
        pytest.param(lambda table: table.assign(y=table["y"].astype("Float64")), id="nullable"),
        pytest.param(lambda table: table.assign(y=table["y"].astype(object)), id="objects"),
    ],
)
@pytest.mark.parametrize("door", ["frame", "parquet"])
def test_frames_and_parquet_of_many_types_are_read(tmp_path, change, door):
    table = change(frame(list("BBAA"), days(1, 2, 2, 3), [1.5, -2, 0, 4]))
    if door == "frame":
        check_long(panel_from_frame(table))
    else:
        table.to_parquet(tmp_path / "x.parquet")
        check_long(read_series(tmp_path / "x.parquet"))


def test_a_frame_of_another_library_comes_through_its_pandas_form():
    class Other:
        def to_pandas(self):
            return frame(list("BBAA"), days(1, 2, 2, 3), [1.5, -2, 0, 4])

    check_long(panel_from_frame(Other()))
    assert "not list" in error_of(panel_from_frame, [1, 2])


def test_columns_may_have_other_names(write):
    path = write(LONG.replace("unique_id,ds,y", "store,week,sales"))
    check_long(read_series(path, id_column="store", time_column="week", value_column="sales"))
    assert "did you mean sales?" in error_of(read_series, path, time_column="week", value_column="sale")


def test_without_names_it_is_one_series_with_the_file_s_name(write):
    path = write("ds,y\n2023-05-02,1\n2023-05-01,-1\n", "load.csv.gz")
    panel = read_series(path)
    assert panel.unique_ids == ("load",)
    np.testing.assert_array_equal(panel.values, [[-1, 1]])
    table = pd.DataFrame({"ds": days(1, 2), "y": [1, 2]})
    assert panel_from_frame(table.rename(columns={"y": "sales"}), value_column="sales").unique_ids == (
        "sales",
    )
    table.to_parquet(path.with_name("load.parquet"))
    assert read_series(path.with_name("load.parquet")).unique_ids == ("load",)


def test_a_wide_table_with_dates_has_a_series_a_column(write):
    text = "date,A,B\n2023-05-01,,5\n2023-05-02,-2,\n2023-05-03,3,7\n"
    panel = read_series(write(text))
    assert panel.unique_ids == ("A", "B")
    np.testing.assert_array_equal(panel.values, [[np.nan, -2, 3], [5, np.nan, 7]])
    path = write("", "wide.parquet")
    wide = pd.DataFrame({"A": [np.nan, -2, 3], "B": [5, np.nan, 7]}, index=pd.DatetimeIndex(days(1, 2, 3)))
    wide.to_parquet(path)
    other = read_series(path)
    assert other.unique_ids == ("A", "B")
    np.testing.assert_array_equal(other.values, panel.values)
    assert list(other.ds) == list(panel.ds)


@pytest.mark.parametrize("header", ['"V1","V2","V3","V4"', "id,1,2,3", ",V2,V3,V4", "unique_id,V2,V3,V4"])
def test_the_form_of_the_m4_competition_counts_each_series_from_1(write, header):
    panel = read_series(write(f'{header}\n"H1",1,2,3\n"H2",-4,,\n'))
    assert panel.unique_ids == ("H1", "H2")
    np.testing.assert_array_equal(panel.values, [[1, 2, 3], [np.nan, np.nan, -4]])
    assert list(panel.ds) == [-2, -1, 0]
    assert list(panel.ends) == [3, 1]
    assert panel.calendar == "none"


def test_equal_lengths_of_the_m4_form_are_plain_numbers(write):
    panel = read_series(write("V1,V2,V3\nH1,1,2\nH2,NA,4\n"))
    assert list(panel.ds) == [1, 2]
    assert panel.ends is None
    np.testing.assert_array_equal(panel.values, [[1, 2], [np.nan, 4]])


# Times and gaps


def test_whole_numbers_leave_gaps_and_count_each_series_own(write):
    panel = read_series(write("unique_id,ds,y\nA,1,1\nA,4,4\nB,12,2\nB,11,1\n"))
    np.testing.assert_array_equal(panel.values, [[1, np.nan, np.nan, 4], [np.nan, np.nan, 1, 2]])
    assert list(panel.ds) == [-3, -2, -1, 0]
    assert list(panel.ends) == [4, 12]


def test_series_that_end_at_one_number_keep_their_numbers():
    panel = panel_from_frame(frame(list("AAB"), [3, 5, 5], [1, 2, 3]))
    assert list(panel.ds) == [3, 4, 5]
    assert panel.ends is None


def test_a_missing_last_value_is_still_a_session():
    panel = panel_from_frame(frame(list("AAAB"), [1, 2, 3, 7], [np.nan, 2, np.nan, 3]))
    np.testing.assert_array_equal(panel.values, [[2, np.nan], [np.nan, 3]])
    assert list(panel.ends) == [3, 7]


def test_eight_digits_that_can_be_a_date_are_one_in_text(write):
    assert list(read_series(write("ds,y\n20230501,1\n20230502,2\n")).ds) == days(1, 2)
    assert list(read_series(write("ds,y\n12345678,1\n12345679,2\n")).ds) == [12345678, 12345679]


def test_leading_sessions_without_a_value_are_trimmed_and_inner_ones_kept():
    ds = days(1, 2, 3, 4)
    panel = panel_from_frame(frame("A", ds, [np.nan, 1, np.nan, 2]))
    assert list(panel.ds) == ds[1:]
    np.testing.assert_array_equal(panel.values, [[1, np.nan, 2]])


def test_no_date_is_added_and_steps_may_be_hours():
    ds = pd.to_datetime(["2023-05-01 00:00", "2023-05-01 01:00", "2023-05-01 05:00"])
    panel = panel_from_frame(frame("A", ds, [1, 2, 3]))
    assert list(panel.ds) == list(ds)
    assert panel.calendar == "none"


def test_the_calendar_is_checked():
    table = frame("A", pd.date_range("2023-01-01", periods=30), np.arange(30.0))
    assert panel_from_frame(table).calendar == "24/7"
    assert panel_from_frame(table, calendar="none").calendar == "none"
    with pytest.raises(ConfigError, match="unknown"):
        panel_from_frame(table, calendar="XNYX")
    with pytest.raises(ConfigError, match="daily dates"):
        panel_from_frame(frame("A", [1, 2], [1, 2]), calendar="XNYS")


def test_batches_of_any_size_are_the_same_panel(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = frame(
        np.repeat([f"s{i}" for i in range(40)], 25), np.tile(np.arange(25), 40), rng.normal(size=1000)
    )
    table = table.sample(frac=0.9, random_state=0)
    table.to_parquet(tmp_path / "x.parquet", row_group_size=170)
    whole = panel_from_frame(table)
    monkeypatch.setattr(module, "_BATCH_ROWS", 64)
    parts = read_series(tmp_path / "x.parquet")
    assert parts.unique_ids == whole.unique_ids == tuple(table["unique_id"].unique())
    np.testing.assert_array_equal(parts.values, whole.values)
    np.testing.assert_array_equal(parts.ds, whole.ds)
    np.testing.assert_array_equal(parts.ends, whole.ends)
    wide = table.pivot(index="unique_id", columns="ds", values="y")
    for name, end, row in zip(whole.unique_ids, whole.ends, whole.values, strict=True):
        own = wide.loc[name].to_numpy()[: end + 1]
        np.testing.assert_array_equal(row[len(row) - len(own) :], own)


def test_a_million_rows_are_read_in_seconds(tmp_path):
    ids = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(20_000, dtype=np.int32), 50), pa.array([f"s{i}" for i in range(20_000)])
    )
    table = pa.table({"unique_id": ids, "ds": np.tile(np.arange(50), 20_000), "y": np.ones(1_000_000)})
    pq.write_table(table, tmp_path / "x.parquet")
    start = time.process_time()
    assert read_series(tmp_path / "x.parquet").values.shape == (20_000, 50)
    assert time.process_time() - start < 10


# What is left out, and what is refused


def test_series_without_a_value_are_named_in_one_warning(tmp_path):
    ids = ["A", *(f"e{index}" for index in range(7))]
    with pytest.warns(DataWarning, match="any value: e0, e1, e2, e3, e4 and 2 more") as caught:
        panel = panel_from_frame(frame(ids, 1, [1.0] + [np.nan] * 7))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert panel.unique_ids == ("A",)
    assert "there are no values" in error_of(panel_from_frame, frame("A", [1], [np.nan]))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the file is empty"),
        ("unique_id,ds,y\n", "a header but no rows"),
        ("V1,V2,V3\n", "a header but no rows"),
        ("unique_id,y\nA,1\n", "line 1: column ds is missing; the columns are unique_id, y"),
        (
            "unique_id,ds,sales\nA,1,1\n",
            "column y is missing; the columns are unique_id, ds, sales (value_column='NAME' names another)",
        ),
        ("a,b\n1,2\n", "line 1: columns ds and y are missing, and the wide forms do not fit either"),
        ("ds,y,y\n1,2,3\n", "line 1: column y appears twice"),
        ("date,A,A\n2023-05-01,1,2\n", "column A appears twice"),
        ("V1,V2\nH1,1\nH1,2\n", "line 3: series H1 appears twice"),
        ("V1,V2\nH1,1\n,2\n", "line 3: no name of a series"),
        ("V1,V2,V3\nH1,1,x\n", "line 2, column V3: 'x' is not a plain number"),
        ("V1,V2,V3\nH1,1\n", "line 2: 2 fields where 3 are expected"),
        ("V1,V2,V3\nH1,1,inf\n", "line 2, column V3: an infinite value"),
        ("unique_id,ds,y\nA,1,1\nA,2\n", "line 3: 2 fields where 3 are expected"),
        ("unique_id,ds,y\nA,1,1\n,2,1\n", "line 3, column unique_id: no unique_id"),
        ("unique_id,ds,y\nA,1,1\nA,2,x\n", "line 3, column y: 'x' is not a plain number"),
        ("unique_id,ds,y\nA,1,1\nA,2,-inf\n", "line 3, column y: the value is -inf"),
        ("unique_id,ds,y\nA,1,1\nA,2,1e999\n", "line 3, column y: the value is inf"),
        ("unique_id,ds,y\nA,1,1\n\nA,two,1\n", "line 4, column ds: 'two' is not a whole number"),
        (
            "unique_id,ds,y\nA,2023-05-01,1\nB,2023-05-01,1\nB,01/02/2023,1\n",
            "line 4, column ds: '01/02/2023'",
        ),
        ("unique_id,ds,y\nA,2023-02-30,1\n", "line 2, column ds: '2023-02-30' is not a date that exists"),
        ("unique_id,ds,y\nA,1,1\nB,1,2\nA,1,3\n", "line 4, column ds: series A: 1 is on lines 2 and 4"),
        (LONG + "A,2023-05-03,9\n", "line 6, column ds: series A: 2023-05-03 is on lines 5 and 6"),
        (
            "date,A\n2023-05-01,1\n2023-05-01,2\n",
            "line 3, column date: series A: 2023-05-01 is on lines 2 and 3",
        ),
        ("unique_id,ds,y\nA\u202e,1,1\n", "U+202E"),
        ("unique_id,ds,y\nA,0,1\nA,2000000000,1\n", "1 series of 2000000001 time steps are more than 8 GiB"),
    ],
)
def test_a_fault_in_a_file_is_named_by_its_place(write, content, expected):
    path = write(content)
    message = error_of(read_series, path)
    assert message.startswith(str(path))
    assert expected in message


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (frame(["A", None], [1, 2], [1, 2]), "column unique_id: row 1: no unique_id"),
        (frame("A", [*days(1), None], [1, 2]), "column ds: row 1: no ds"),
        (frame("A", [1, 2], [1, np.inf]), "column y: series A, row 1: the value is inf"),
        (frame("A", [1, 2], [1, "x"]), "column y: row 1: 'x' is not a number"),
        (frame("A", [1, 2], [True, False]), "column y"),
        (frame("A", [1.5, 2], [1, 2]), "column ds: holds double; make it dates, or whole numbers"),
        (frame("A", [1, "x"], [1, 2]), "column ds: values of several kinds in one column"),
        (frame("A", ["2023-05-01", "x"], [1, 2]), "column ds: row 1: 'x' does not fit"),
        (frame("A", [1, 1], [1, 2]), "column ds: series A, row 1: 1 is on rows 0 and 1"),
        (frame("A", [1, 2**63], [1, 2]), "column ds: a number beyond 2^62"),
        (frame([], [], []), "no rows"),
        (pd.DataFrame({"unique_id": ["A"], "ds": [1]}), "column y is missing; the columns are unique_id, ds"),
        (pd.DataFrame({"a": [1]}), "column ds is missing, or an index of dates; the columns are a"),
    ],
)
def test_a_fault_in_a_frame_is_named_by_its_row(table, expected):
    message = error_of(panel_from_frame, table, source="sales")
    assert message.startswith("sales")
    assert expected in message


def test_faults_of_parquet_are_named_by_file_and_row(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BATCH_ROWS", 2)
    folder = tmp_path / "parts"
    folder.mkdir()
    frame("A", [1, 2, 3], [1, 2, 3]).to_parquet(folder / "1.parquet")
    frame("A", [4, 5, 2], [1, 2, 3]).to_parquet(folder / "2.parquet")
    message = error_of(read_series, folder)
    assert message.startswith(
        f"{folder / '2.parquet'}, column ds: series A, row 2: 2 is on row 2 and on row 1"
    )
    assert f"{folder / '1.parquet'}" in message
    frame("A", [4, 5, 6], [1, 2, np.inf]).to_parquet(folder / "2.parquet")
    expected = f"{folder / '2.parquet'}, column y: series A, row 2: the value is inf"
    assert error_of(read_series, folder).startswith(expected)
    frame("A", days(1, 2, 3), [1, 2, 3]).to_parquet(folder / "2.parquet")
    assert "holds timestamp[ns], where int64 came before" in error_of(read_series, folder)
    (folder / "2.parquet").write_bytes(b"PAR1 part")
    assert "it has no footer" in error_of(read_series, folder)
    assert "did you mean parts?" in error_of(read_series, tmp_path / "part")


# The files of the benchmark data


def benchmark_data():
    if "TSRNN_BENCHMARK_DATA" not in os.environ:
        pytest.skip("TSRNN_BENCHMARK_DATA is not set")
    return Path(os.environ["TSRNN_BENCHMARK_DATA"]) / "forecasting"


@pytest.mark.benchmark_data
def test_the_m4_competition_is_read():
    train = read_series(benchmark_data() / "m4_hourly_train.csv.gz")
    assert train.values.shape == (414, 960)
    assert (~np.isnan(train.values)).sum() == train.ends.sum() == 353_500
    assert train.unique_ids[0] == "H1"
    assert (train.values[0, 260], train.ends[0]) == (605, 700)
    test = read_series(benchmark_data() / "m4_hourly_test.csv.gz")
    assert test.values.shape == (414, 48)
    assert list(test.ds) == list(range(1, 49))


@pytest.mark.benchmark_data
@pytest.mark.parametrize(
    ("name", "columns", "shape", "first"),
    [
        ("ETTh1.csv.gz", ("unique_id", "ds", "y"), (7, 17420), "2016-07-01"),
        ("taylor_30min.csv.gz", ("unique_id", "ds", "y"), (1, 4032), "2000-06-05"),
        ("walmart_weekly.csv.gz", ("id", "Date", "Weekly_Sales"), (7, 143), "2010-02-05"),
        ("bike_sharing_daily.csv.gz", ("unique_id", "dteday", "cnt"), (1, 731), "2011-01-01"),
    ],
)
def test_real_series_are_read(name, columns, shape, first):
    names = dict(zip(("id_column", "time_column", "value_column"), columns, strict=True))
    panel = read_series(benchmark_data() / name, **names)
    assert panel.values.shape == shape
    assert panel.ds[0] == np.datetime64(first)
    assert np.isfinite(panel.values).all()
