"use strict";

// Blue, orange and green first: Okabe and Ito's colours, darker on white and lighter on black.
const COLOURS = {
  light: ["#0072b2", "#c44f00", "#007a5a", "#a8457f", "#7a6000", "#555555"],
  dark: ["#56b4e9", "#e69f00", "#3ec99f", "#e58fbf", "#f0e442", "#bbbbbb"],
};
const DASHES = ["solid", "dash", "dot"];
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
const PRINTED_WIDTH = 660;

const contents = JSON.parse(byId("contents").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
let printing = false;

function byId(id) {
  return document.getElementById(id);
}

/** Text as plotly should show it: plotly reads a few tags and entities of HTML in every label. */
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The bytes that were compressed and then written in base64. */
async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** The quantiles of one model and one series: see `pack_fans` in report_charts.py. */
async function unpackFans(text, origins, levels, steps) {
  const buffer = await inflate(text);
  const [low, unit] = [new Float64Array(buffer, 0, origins), new Float32Array(buffer, 8 * origins, origins)];
  const count = origins * levels * steps;
  const [high, rest] = [0, 1].map((part) => new Uint8Array(buffer, 12 * origins + part * count, count));
  return (origin) =>
    Array.from({ length: levels }, (_, level) => {
      let place = 0;
      return Array.from({ length: steps }, (_, step) => {
        const index = (level * steps + step) * origins + origin;
        place = (place + 256 * high[index] + rest[index]) & 0xffff;
        return place === contents.fans.missing ? null : low[origin] + unit[origin] * place;
      });
    });
}

function inkOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A model's colour and dash, the same in every chart. */
function styleOf(model) {
  const place = contents.models.indexOf(model);
  const colours = dark.matches && !printing ? COLOURS.dark : COLOURS.light;
  const dash = DASHES[Math.floor(place / colours.length) % DASHES.length];
  return { color: colours[place % colours.length], dash };
}

function faded(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

/** The key of a chart in HTML, which wraps on a narrow page and takes every name as text. */
function drawLegend(id, entries) {
  const items = entries.map(({ name, color, dash, band }) => {
    const item = document.createElement("li");
    const key = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    key.setAttribute("width", "26");
    key.setAttribute("height", "12");
    key.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(key.namespaceURI, "line");
    const gaps = { dash: "7 4", dot: "2 4" }[dash] ?? "none";
    const looks = { x1: 0, x2: 26, y1: 6, y2: 6, stroke: color, "stroke-dasharray": gaps };
    for (const [attribute, value] of Object.entries(looks)) line.setAttribute(attribute, value);
    line.setAttribute("stroke-width", band ? "12" : "3");
    key.append(line);
    item.append(key, document.createTextNode(name));
    return item;
  });
  byId(id).replaceChildren(...items);
}

function drawChart(id, traces, axes, more = {}) {
  const [ink, line, paper] = ["ink", "line", "paper"].map(inkOf);
  const axis = { gridcolor: line, linecolor: line, zeroline: false, fixedrange: true, automargin: true };
  const layout = {
    paper_bgcolor: "rgba(0, 0, 0, 0)",
    plot_bgcolor: "rgba(0, 0, 0, 0)",
    font: { family: FONT, size: 13, color: ink },
    margin: { l: 10, r: 14, t: 14, b: 10 },
    showlegend: false,
    dragmode: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: paper, bordercolor: line, font: { family: FONT, color: ink }, namelength: -1 },
    width: printing ? Math.min(PRINTED_WIDTH, byId(id).clientWidth) : undefined,
    xaxis: { ...axis, showgrid: false, showline: true, ...axes.x },
    yaxis: { ...axis, ...axes.y },
    ...more,
  };
  return Plotly.react(id, traces, layout, { displayModeBar: false, responsive: true, doubleClick: false });
}

function titled(text) {
  return { title: { text, standoff: 8 } };
}

/** A line across the chart, of no difference from the reference. */
function zeroLine() {
  const line = { color: inkOf("faint"), width: 1.5, dash: "dot" };
  return [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, line, layer: "between" }];
}

function bandOf(x, low, high, colour) {
  const edge = { x, mode: "lines", line: { width: 0 }, hoverinfo: "skip" };
  return [{ ...edge, y: low }, { ...edge, y: high, fill: "tonexty", fillcolor: colour }];
}

function modelLegend(id, groups) {
  drawLegend(id, groups.map(({ model }) => ({ name: model, ...styleOf(model) })));
}

function drawHorizon() {
  const traces = contents.horizon.flatMap(({ model, step, skill_percent, low, high }) => [
    ...bandOf(step, low, high, faded(styleOf(model).color, 0.16)),
    {
      x: step,
      y: skill_percent,
      name: plain(model),
      mode: "lines+markers",
      line: { width: 2, ...styleOf(model) },
      marker: { size: 5 },
      hovertemplate: "%{y:+.2f} %",
    },
  ]);
  modelLegend("legend-horizon", contents.horizon);
  const x = { ...titled("time steps ahead"), tickformat: "d", hoverformat: "d" };
  if (Math.max(...contents.horizon.flatMap(({ step }) => step)) < 10) x.dtick = 1;
  drawChart("chart-horizon", traces, { x, y: titled("skill, %") }, { shapes: zeroLine() });
}

function drawCumulative() {
  const traces = contents.cumulative.map(({ model, cutoff, difference }) => ({
    x: cutoff,
    y: difference,
    name: plain(model),
    mode: "lines",
    line: { width: 2, ...styleOf(model) },
    hovertemplate: "%{y:.4~g}",
  }));
  modelLegend("legend-cumulative", contents.cumulative);
  const axes = { x: timeAxis(contents.cumulative[0].cutoff), y: titled("cumulative difference") };
  drawChart("chart-cumulative", traces, axes, { shapes: zeroLine() });
}

function drawCoverage() {
  const traces = contents.coverage.map(({ model, level, coverage }) => ({
    x: level,
    y: coverage,
    name: plain(model),
    mode: "lines+markers",
    line: { width: 2, ...styleOf(model) },
    marker: { size: 7 },
    hovertemplate: "%{y:.1f} %",
  }));
  modelLegend("legend-coverage", contents.coverage);
  const line = { color: inkOf("faint"), width: 1.5, dash: "dot" };
  const least = Math.min(...contents.coverage.flatMap(({ level, coverage }) => [...level, ...coverage]));
  const lowest = Math.max(10 * Math.floor((least - 5) / 10), 0);
  const shapes = [{ type: "line", x0: lowest, x1: 100, y0: lowest, y1: 100, line, layer: "between" }];
  const axis = { range: [lowest, 102], dtick: lowest < 50 ? 20 : 10 };
  const x = { ...titled("nominal coverage, %"), ...axis };
  drawChart("chart-coverage", traces, { x, y: { ...titled("observed coverage, %"), ...axis } }, { shapes });
}

function drawPit() {
  const highest = Math.max(...contents.pit.flatMap(({ share, high }) => [...share, high]));
  contents.pit.forEach(({ model, share, low, high }, place) => {
    const width = 1 / share.length;
    const bars = {
      type: "bar",
      x: share.map((_, bin) => (bin + 0.5) * width),
      y: share.map((part) => 100 * part),
      width: 0.94 * width,
      marker: { color: faded(styleOf(model).color, 0.75) },
      hovertemplate: "%{y:.1f} %<extra></extra>",
    };
    const [faint, ink] = [inkOf("faint"), inkOf("ink")];
    const across = { xref: "paper", x0: 0, x1: 1 };
    const shapes = [
      { ...across, type: "rect", y0: 100 * low, y1: 100 * high, fillcolor: faded(faint, 0.3), line: { width: 0 } },
      { ...across, type: "line", y0: 100 * width, y1: 100 * width, line: { color: ink, width: 1, dash: "dot" } },
    ];
    const x = { ...titled("height in the forecast"), range: [0, 1], dtick: 0.25 };
    const y = { ...titled("share, %"), range: [0, 105 * highest] };
    drawChart(`chart-pit-${place}`, [bars], { x, y }, { shapes, hovermode: "closest" });
  });
}

/** An axis of dates, or of whole time steps. */
function timeAxis(times) {
  const dated = typeof times[0] === "string";
  return dated ? { type: "date", hoverformat: "%-d %b %Y" } : { ...titled("time step"), tickformat: "d", hoverformat: "d" };
}

const unpacked = new Map();
let asked = 0;

/** A thing that is unpacked at the first time that it is asked for. */
function once(key, make) {
  if (!unpacked.has(key)) unpacked.set(key, make());
  return unpacked.get(key);
}

async function drawFan() {
  const { models, series, origins, targets, times, lead, ends, packed, actuals, levels } = contents.fans;
  const [model, name, origin] = ["fan-model", "fan-series", "fan-origin"].map((id) => Number(byId(id).value));
  const mine = ++asked;
  const [fans, actual] = await Promise.all([
    once(`${model} ${name}`, () => unpackFans(packed[model][name], origins.length, levels.length, targets[0].length)),
    once(`${name}`, async () => new Float32Array(await inflate(actuals[name]))),
  ]);
  if (mine !== asked) return; // Another fan was asked for in the meantime.

  // Dates of series that end earlier stand `ends` places before, and numbers count from `ends` on.
  const dated = typeof times[0] === "string";
  const timeAt = (place) => {
    if (ends === null) return times[place];
    return dated ? (times[place + lead + ends[name]] ?? null) : times[place] + ends[name];
  };
  const between = (start, end) => Array.from({ length: end - start }, (_, step) => start + step);
  const valueAt = (place) => (Number.isNaN(actual[place]) ? null : actual[place]);
  const cutoff = origins[origin];
  const steps = between(0, targets[0].length).filter((step) => targets[origin][step] >= 0);
  const quantiles = fans(origin).map((quantile) => steps.map((step) => quantile[step]));
  const missing = quantiles.every((quantile) => quantile.every((value) => value === null));

  // The fan opens from the last value that was known.
  let known = cutoff;
  while (known > 0 && valueAt(known) === null) known -= 1;
  const x = [timeAt(known), ...steps.map((step) => timeAt(targets[origin][step]))];
  const bounds = quantiles.map((quantile) => [valueAt(known), ...quantile]);
  const end = Math.max(cutoff, ...targets[origin]) + 1;
  const shown = between(Math.max(0, cutoff - contents.fans.context), end);

  const { color } = styleOf(models[model]);
  const [ink, faint] = [inkOf("ink"), inkOf("faint")];
  const format = "%{y:.5~g}";
  const outer = faded(color, 0.2);
  const interval = { hoverinfo: undefined, hovertemplate: "%{customdata:.5~g} to %{y:.5~g}" };
  const [lowest, highest] = bandOf(x, bounds[0], bounds[4], outer);
  const [low, high] = bandOf(x, bounds[1], bounds[3], faded(color, 0.35));
  const traces = [
    lowest,
    { ...highest, ...interval, customdata: bounds[0], name: "95 %" },
    low,
    { ...high, ...interval, customdata: bounds[1], name: "80 %" },
    { x, y: bounds[2], name: "median", mode: "lines", line: { width: 2, color }, hovertemplate: format },
    {
      x: shown.map(timeAt),
      y: shown.map(valueAt),
      name: "actual",
      mode: "lines+markers",
      line: { width: 1.5, color: ink },
      marker: { size: shown.map((place) => (place > cutoff ? 4 : 2)), color: ink },
      hovertemplate: format,
    },
  ];
  const line = { color: faint, width: 1, dash: "dot" };
  const here = timeAt(cutoff);
  const shapes = [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: here, x1: here, line, layer: "below" }];
  drawChart("chart-fan", traces, { x: timeAxis(times), y: {} }, { shapes, hoverdistance: 8 });
  drawLegend("legend-fan", [
    { name: "actual", color: ink },
    { name: "median", color },
    { name: "80 % interval", color: faded(color, 0.48), band: true },
    { name: "95 % interval", color: outer, band: true },
  ]);
  const title = `${models[model]}: ${series[name]}, ${missing ? "no forecast" : "forecast"} from ${here}`;
  byId("fan-title").textContent = title;
  byId("chart-fan").setAttribute("aria-label", title);
  byId("fan-cutoff").textContent = `${here} (${origin + 1} of ${origins.length})`;
  byId("fan-origin").setAttribute("aria-valuetext", `${here}`);
  byId("fan-previous").disabled = origin === 0;
  byId("fan-next").disabled = origin === origins.length - 1;
}

function startFan() {
  const { models, series, origins } = contents.fans;
  for (const [id, names] of [["fan-model", models], ["fan-series", series]]) {
    byId(id).replaceChildren(...names.map((name, place) => new Option(name, place)));
  }
  const slider = byId("fan-origin");
  slider.max = origins.length - 1;
  slider.value = Math.floor(origins.length / 2);
  for (const id of ["fan-model", "fan-series", "fan-origin"]) byId(id).addEventListener("input", drawFan);
  for (const [id, move] of [["fan-previous", -1], ["fan-next", 1]]) {
    byId(id).addEventListener("click", () => {
      slider.value = Number(slider.value) + move;
      drawFan();
    });
  }
}

async function drawAll() {
  if (contents.horizon.length) drawHorizon();
  if (contents.cumulative.length) drawCumulative();
  if (contents.coverage.length) drawCoverage();
  if (contents.pit.length) drawPit();
  if (contents.fans) await drawFan();
}

async function start() {
  if (!("DecompressionStream" in window)) {
    byId("notice").textContent = "The charts of this page need a browser of 2023 or later; its tables do not.";
    byId("notice").hidden = false;
    return;
  }
  const source = document.createElement("script");
  source.textContent = new TextDecoder().decode(await inflate(byId("plotly").textContent));
  document.head.append(source);
  if (contents.fans) startFan();
  await drawAll();
  dark.addEventListener("change", drawAll);
  for (const [event, begins] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(event, () => {
      printing = begins;
      document.documentElement.classList.toggle("printing", begins);
      drawAll();
    });
  }
  document.documentElement.dataset.drawn = "true";
}

start();
