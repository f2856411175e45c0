"""The wheel carries the bundled data, and finds it where it is installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_installed_wheel_reads_its_data(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    run(*build)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel))
    assert (site / "tsrnn" / "_datasets" / "us_stocks" / "us_stocks.csv.gz").is_file()
    # -S leaves out the editable install; the dependencies come by the path of this interpreter.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    code = (
        f"import sys; sys.path[:0] = [{str(site)!r}]; sys.path.append({packages!r})\n"
        "from tsrnn.data import PriceSeries, dataset_path\n"
        "print(dataset_path('us_stocks')); print(*PriceSeries().panel.unique_ids)"
    )
    place, names = run(sys.executable, "-S", "-c", code, cwd=tmp_path).splitlines()
    assert place == str(site / "tsrnn" / "_datasets" / "us_stocks")
    assert names == "AAPL GOOG IBM MSFT"
