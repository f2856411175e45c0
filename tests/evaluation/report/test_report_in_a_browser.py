"""A report's page as a reader meets it: in Chromium, without a network."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.report.test_backtest_report import HOSTILE, made, report_of  # noqa: F401
from tests.reports import contents_of, fans_of, random_walks
from tsrnn.evaluation.report.page import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'tsrnn[test]'")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SCRIPT = "</script><script>window.obeyed = 1</script>"
IMAGE = '"><img src="https://example.org/x.png" onerror="window.obeyed = 2">'
LINK = '<b>bold</b> <a href="javascript:window.obeyed = 3">&lt;link&amp;</a> %{y} ${z}'


class Visit:
    """A page that was opened, and everything that it asked for or complained of."""

    def __init__(self, browser, path, *, viewport=DESKTOP, before=None):
        self.page = browser.new_page(viewport=viewport)
        self.asked, self.complaints, self.path = [], [], path
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if before:
            self.page.add_init_script(before)
        self.page.goto(path.as_uri())

    def drawn(self):
        self.page.wait_for_selector("html[data-drawn]", state="attached")
        return self

    def title(self, text):
        self.page.wait_for_function(
            "text => document.querySelector('#fan-title').textContent === text", arg=text
        )

    def traces(self):
        """The lines of the fan chart by their names, as plotly holds them."""
        found = self.page.evaluate(
            """() => document.querySelector("#chart-fan").data.filter((trace) => trace.name).map((trace) => (
                 {name: trace.name, x: trace.x, y: trace.y, low: trace.customdata ?? null}))"""
        )
        return {trace["name"]: trace for trace in found}

    def quiet(self):
        assert self.complaints == []
        assert self.asked == [self.path.as_uri()]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def contents():
    panel = random_walks(3, 200)
    panel.values[1, 95:103] = np.nan  # the series' value at the first origin is older than it
    fans = fans_of(panel, [100, 120, 140], 5)
    late = (fans["unique_id"] == "S01") & (fans["cutoff"] == panel.ds[100])
    start = panel.values[1, 94]
    fans.loc[late, ["q0.025", "q0.1", "median", "q0.9", "q0.975"]] = start * np.array(
        [0.9, 0.95, 1, 1.05, 1.1]
    )
    return contents_of(panel, fans)


@pytest.fixture(scope="module")
def visit(browser, contents, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(contents, path)
    return Visit(browser, path).drawn()


def expected(contents, model, name, origin):
    fans = contents.fans
    cutoff = contents.panel.ds[origin]
    return fans[(fans["model"] == model) & (fans["unique_id"] == name) & (fans["cutoff"] == cutoff)]


def assert_shows(visit, contents, model, name, origin):
    day = str(contents.panel.ds[origin])[:10]
    visit.title(f"{model}: {name}, forecast from {day}")
    part, traces = expected(contents, model, name, origin), visit.traces()
    height = part["q0.975"].max() - part["q0.025"].min()
    values = {"median": "median", "95 %": "q0.975", "80 %": "q0.9"}
    for trace, column in values.items():
        np.testing.assert_allclose(traces[trace]["y"][1:], part[column], atol=0.00051 * height)
        assert traces[trace]["x"][1:] == [str(ds)[:10] for ds in part["ds"]]
    np.testing.assert_allclose(traces["95 %"]["low"][1:], part["q0.025"], atol=0.00051 * height)
    np.testing.assert_allclose(traces["80 %"]["low"][1:], part["q0.1"], atol=0.00051 * height)
    row = contents.panel.unique_ids.index(name)
    actual = traces["actual"]
    assert (actual["x"][0], actual["x"][-1]) == tuple(
        str(contents.panel.ds[place])[:10] for place in (origin - 60, origin + 5)
    )
    known = contents.panel.values[row, origin - 60 : origin + 6]
    np.testing.assert_allclose(np.array(actual["y"], dtype=np.float64), known, rtol=1e-7)
    last = known[:61][~np.isnan(known[:61])][-1]
    np.testing.assert_allclose([traces[trace]["y"][0] for trace in values], last, rtol=1e-7)


def test_the_selectors_and_the_keys_change_the_fan(visit, contents):
    page = visit.page
    assert_shows(visit, contents, "naive", "S00", 120)
    page.select_option("#fan-model", label="nervous")
    assert_shows(visit, contents, "nervous", "S00", 120)
    page.select_option("#fan-series", label="S02")
    assert_shows(visit, contents, "nervous", "S02", 120)
    page.get_by_label("Next origin").click()
    assert_shows(visit, contents, "nervous", "S02", 140)
    assert page.get_by_label("Next origin").is_disabled()
    page.get_by_label("Origin:").focus()
    page.keyboard.press("Home")
    assert_shows(visit, contents, "nervous", "S02", 100)
    assert page.get_by_label("Previous origin").is_disabled()
    page.keyboard.press("ArrowRight")
    assert_shows(visit, contents, "nervous", "S02", 120)
    page.get_by_label("Previous origin").press("Enter")
    assert_shows(visit, contents, "nervous", "S02", 100)
    visit.quiet()


def test_a_fan_that_is_unpacked_late_does_not_replace_the_one_asked_for_since(visit):
    title = visit.page.evaluate(
        """async () => {
             const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
             const select = document.querySelector("#fan-model");
             const ask = (place) => { select.value = place; select.dispatchEvent(new Event("input")); };
             document.querySelector("#fan-series").value = 0;
             ask(1);
             const fans = unpacked.get("1 0");
             unpacked.set("1 0", pause(100).then(() => fans));
             ask(1);
             ask(2);
             await pause(300);
             return document.querySelector("#fan-title").textContent;
           }"""
    )
    assert title.startswith("nervous: S00")
    visit.quiet()


def test_what_is_missing_is_a_gap_and_the_fan_opens_from_the_last_known_value(visit, contents):
    visit.page.select_option("#fan-model", label="calm")
    visit.page.select_option("#fan-series", label="S01")
    visit.page.get_by_label("Origin:").fill("0")
    assert_shows(visit, contents, "calm", "S01", 100)
    traces = visit.traces()
    assert traces["actual"]["y"][55:63] == [None] * 8
    assert traces["median"]["x"][0] == str(contents.panel.ds[94])[:10]
    visit.quiet()


def test_every_chart_is_drawn_from_its_frame(visit, contents):
    data = visit.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".chart")].map((chart) => [chart.id,
             chart.data
             .filter((trace) => trace.name || trace.type === "bar")
             .map(({name, x, y}) => ({name, x, y}))]))"""
    )
    for chart, frame, x, y in [
        ("chart-horizon", contents.by_horizon, "step", "skill_percent"),
        ("chart-cumulative", contents.cumulative, "cutoff", "difference"),
        ("chart-coverage", contents.coverage, "level", "coverage"),
    ]:
        models = list(dict.fromkeys(frame["model"]))
        assert [trace["name"] for trace in data[chart]] == models
        for trace, model in zip(data[chart], models, strict=True):
            part = frame[frame["model"] == model]
            np.testing.assert_allclose(trace["y"], part[y])
            assert trace["x"] == [str(value)[:10] if x == "cutoff" else value for value in part[x]]
    for place, counts in enumerate(contents.pit.values()):
        np.testing.assert_allclose(data[f"chart-pit-{place}"][0]["y"], 100 * counts / counts.sum())
    bands = visit.page.evaluate(
        """() => document.querySelector("#chart-horizon").data
             .filter((trace) => !trace.name).map(({y}) => y)"""
    )
    np.testing.assert_allclose(bands[0], contents.by_horizon["low"][:5])
    np.testing.assert_allclose(bands[1], contents.by_horizon["high"][:5])
    legend = visit.page.locator("#legend-coverage li").all_inner_texts()
    assert legend == ["naive", "calm", "nervous"]
    visit.quiet()


def test_a_phone_scrolls_tables_in_their_box_and_never_the_page(visit):
    page = visit.page
    page.set_viewport_size(PHONE)
    try:
        page.wait_for_function("() => document.querySelector('#chart-fan svg').clientWidth < 390")
        assert page.evaluate("() => document.documentElement.scrollWidth") == 390
        widths = page.evaluate(
            """() => [...document.querySelectorAll(".chart svg.main-svg")]
                 .map((svg) => svg.getBoundingClientRect().right)"""
        )
        assert max(widths) <= 390
        assert page.evaluate("() => document.querySelector('.table').scrollWidth") > 358
        for control in ["#fan-model", "#fan-series", "#fan-origin", "#fan-previous", "#fan-next"]:
            assert page.locator(control).bounding_box()["height"] >= 44
    finally:
        page.set_viewport_size(DESKTOP)
    visit.quiet()


def test_dark_and_print_have_colours_of_their_own(visit):
    page = visit.page

    def looks():
        return page.evaluate(
            """() => [getComputedStyle(document.body).backgroundColor,
                 document.querySelector("#chart-coverage").data[0].line.color,
                 document.querySelector("#chart-coverage").layout.font.color]"""
        )

    light = ["rgb(255, 255, 255)", "#0072b2", "#1d232b"]
    assert looks() == light
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.querySelector('#chart-coverage').data[0].line.color === '#56b4e9'")
    assert looks() == ["rgb(20, 24, 29)", "#56b4e9", "#e4e8ed"]
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert looks() == light
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(color_scheme="light")
    page.wait_for_function("() => document.querySelector('#chart-coverage').data[0].line.color === '#0072b2'")
    visit.quiet()


@pytest.fixture(scope="module")
def hostile(browser, tmp_path_factory):
    """A phone's visit to a report of series without dates, in which every name is an attack."""
    panel = random_walks(3, 130, (SCRIPT, IMAGE, LINK), dates=False)
    panel = replace(panel, ds=np.arange(-129, 1), ends=np.array([1000, 2000, 3000]))
    fans = fans_of(panel, [100, 110], 5, models=("naive", LINK, IMAGE, SCRIPT))
    own = fans["unique_id"].map(dict(zip(panel.unique_ids, panel.ends, strict=True)))
    fans["cutoff"], fans["ds"] = fans["cutoff"] + own, fans["ds"] + own
    contents = replace(
        contents_of(panel, fans),
        title=SCRIPT,
        created=IMAGE,
        reference=LINK,
        loss=IMAGE,
        verdicts=[SCRIPT, IMAGE],
        settings={IMAGE: SCRIPT},
        captions={"crps": SCRIPT},
        definitions={"crps": IMAGE},
    )
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    write_report(contents, path)
    return Visit(browser, path, viewport=PHONE).drawn()


def test_hostile_names_are_shown_as_text_and_run_nothing(hostile):
    page = hostile.page
    page.select_option("#fan-model", index=1)
    page.select_option("#fan-series", index=2)
    hostile.title(f"{LINK}: {LINK}, forecast from 2981")
    models = ["naive", LINK, IMAGE, SCRIPT]
    assert page.locator("h1").inner_text() == page.title() == SCRIPT
    assert page.locator("#legend-coverage li").all_inner_texts() == models
    assert page.locator("#fan-series option").all_inner_texts() == [SCRIPT, IMAGE, LINK]
    assert page.locator(".multiples h3").all_inner_texts() == models
    assert page.locator(".settings th").inner_text() == IMAGE
    # What plotly writes of a name, in the label under the pointer.
    page.locator("#chart-horizon").scroll_into_view_if_needed()
    page.locator("#chart-horizon").hover(position={"x": 200, "y": 120})
    page.wait_for_selector("#chart-horizon .hoverlayer text")
    hovered = page.evaluate("() => document.querySelector('#chart-horizon .hoverlayer').textContent")
    for name in (LINK, IMAGE, SCRIPT):
        assert name in hovered
    assert page.locator("main a, main img, main b, main script").count() == 0
    assert page.evaluate("() => document.querySelectorAll('script').length") == 4  # one is plotly's
    assert page.evaluate("() => window.obeyed ?? null") is None
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    hostile.quiet()


def test_series_without_dates_stand_at_their_own_sessions(hostile):
    page = hostile.page
    page.select_option("#fan-model", index=0)
    page.select_option("#fan-series", index=1)
    page.get_by_label("Origin:").fill("0")
    hostile.title(f"naive: {IMAGE}, forecast from 1971")
    traces = hostile.traces()
    assert traces["median"]["x"] == [1971, 1972, 1973, 1974, 1975, 1976]
    assert (traces["actual"]["x"][0], traces["actual"]["x"][-1]) == (1911, 1976)
    hostile.quiet()


def test_a_browser_that_cannot_inflate_is_told_so(browser, visit):
    old = Visit(browser, visit.path, before="delete window.DecompressionStream")
    old.page.wait_for_selector("#notice:not([hidden])")
    assert "need a browser of 2023 or later" in old.page.locator("#notice").inner_text()
    assert old.page.locator("table").first.is_visible()
    old.quiet()


def test_the_policy_stops_a_script_that_is_not_the_pages_own(visit):
    """The second lock: markup that slipped through would neither run nor load."""
    stopped, obeyed = visit.page.evaluate(
        """async () => {
             const stopped = [];
             const image = '<img id="slipped" src="data:," onerror="window.obeyed = 4">';
             const link = '<link id="asking" rel="stylesheet" href="x.css">';
             await new Promise((resolve) => {
               document.addEventListener("securitypolicyviolation", (event) => {
                 stopped.push(event.effectiveDirective);
                 if (stopped.length === 2) resolve();
               });
               document.body.insertAdjacentHTML("beforeend", image + link);
             });
             for (const id of ["slipped", "asking"]) document.getElementById(id).remove();
             return [stopped.sort(), window.obeyed ?? null];
           }"""
    )
    assert stopped == ["script-src-attr", "style-src-elem"]
    assert obeyed is None


def test_the_page_of_a_backtest_opens_quietly_and_its_selectors_work(made, browser, tmp_path):  # noqa: F811
    path = tmp_path / "report.html"
    write_report(report_of(made, network="<img src=x onerror=alert(1)>"), path)
    visit = Visit(browser, path).drawn()
    day = str(made[2].ds[made[0]["origin"].max()])[:10]
    visit.page.select_option("#fan-model", label="drift")
    visit.page.select_option("#fan-series", label=HOSTILE)
    visit.page.get_by_label("Origin:").focus()
    visit.page.keyboard.press("End")
    visit.title(f"drift: {HOSTILE}, forecast from {day}")
    assert visit.page.locator(".verdicts li").count() == 3
    assert "random walk" in visit.page.locator(".verdicts").inner_text()
    assert visit.page.locator("img").count() == 0
    visit.quiet()
