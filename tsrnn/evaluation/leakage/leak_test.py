"""The leak test: what lies after a cut is changed, and nothing up to the cut may notice."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.linear_model import Ridge

from tsrnn.codecs import Codec
from tsrnn.data.panels.base import PanelData
from tsrnn.errors import ConfigError, DataError, DataWarning
from tsrnn.evaluation.leakage.comparisons import TOLERANCE, Comparisons, LeakReport
from tsrnn.forecasts import Forecast
from tsrnn.protocols import Encoding, Panel, Predictor

Floats = npt.NDArray[np.float64]
_MakeData = Callable[[Panel], PanelData]

CHANCE = 1e-4
_MOST_SERIES = 50
_BATCHES = 2
_HORIZON, _PATHS = 2, 3


def leak_test(
    make_data: _MakeData,
    panel: Panel,
    *,
    make_predictor: Callable[[PanelData], Predictor] | None = None,
    pairs: int = 1000,
    seed: int = 0,
) -> LeakReport:
    """Whether anything up to a cut depends on what lies after it.

    At each of many cuts (at the borders of the spans, at window edges, at gaps, which are planted where
    there are none, and at random) the values after the cut are replaced: rescaled at random, shuffled, made
    constant or taken away. A new data module is made from the result, and compared with the one of the
    original values:

    - the panel's values up to the cut, and the spans: bit-identical;
    - the codec's constants, where the training span ends at or before the cut: what both codecs make of the
      same values is bit-identical;
    - the features, locations and scales up to the step after the cut, the targets up to the cut:
      bit-identical. The step after the cut is the first that is changed: its inputs may not know its target;
    - training batches, where the cut is the end of the training span, and validation batches, where it is
      that of the validation span: bit-identical;
    - the forecast from the cut: bit-identical.

    Then the time steps after the cut are removed, and at some cuts another series: features and forecast are
    equal to 1e-6 of their size. Features that are the same for all series, such as the panel's mean, are
    excepted from the second, and so are forecasts by models that read them.

    Last, a future is planted in which there is nothing to find: random walks of the panel's size. A ridge
    regression on the inputs of the training span may not foretell the sign of later moves with a binomial
    p-value below 1e-4.

    Args:
        make_data: a data module of a raw panel, as from a file with these values. `PanelData.reading` of an
            existing module is one.
        panel: the raw values; of more than 50 series, 50 spread over the panel are looked at.
        make_predictor: what forecasts, from a data module; None: forecasts are not looked at. It need not be
            trained.
        pairs: at least so many pairs of a series and a cut.
        seed: of the cuts and of what replaces the values.

    Raises:
        ConfigError: if the data module does not read the panel that it is given.
        DataError: if the panel has too few time steps.
    """
    if len(panel.unique_ids) > _MOST_SERIES:
        places = np.linspace(0, len(panel.unique_ids) - 1, _MOST_SERIES).round().astype(int)
        panel = panel.rows(places)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of what is done to the values here
        return _LeakTest(make_data, panel, make_predictor, seed).run(pairs)


class _Base:
    """What is compared with: a data module of values as they are, or with planted gaps."""

    def __init__(self, make_data: _MakeData, panel: Panel, make_predictor: Any) -> None:
        self.raw = panel
        self.data = make_data(panel)
        self.panel = self.data.panel
        self.codec = self.data.codec
        self.predictor = None if make_predictor is None else make_predictor(self.data)
        (self.size,) = self.codec.event_shape or (1,)
        self.encoding = self.encoded(self.panel)

    def encoded(self, panel: Panel, codec: Codec | None = None) -> Encoding:
        whole = panel.num_steps // self.size * self.size
        return (codec or self.codec).encode(panel.tensor()[:, :whole])[0]

    def batches(self, span: str) -> list[Any]:
        return _batches(self.data, span)


class _LeakTest(Comparisons):
    def __init__(self, make_data: _MakeData, panel: Panel, make_predictor: Any, seed: int) -> None:
        self.make_data = make_data
        self.generator = np.random.default_rng(seed)
        self.base = _Base(make_data, panel, make_predictor)
        gaps = panel.with_values(self._with_gaps(panel.values))
        self.gapped = _Base(make_data, gaps, make_predictor)
        super().__init__(self.base.panel)
        inputs = self.base.encoding.inputs.numpy()
        rows = inputs.reshape(*inputs.shape[:2], -1)
        self.common = (rows == rows[:1]).all(axis=(0, 1)) if len(rows) > 1 else np.zeros(rows.shape[2], bool)
        if panel.num_steps < 4 * self.base.size:
            raise DataError(f"{panel.num_steps} time steps are too few for a leak test")

    def run(self, pairs: int) -> LeakReport:
        series = len(self.base.panel.unique_ids)
        for place, (base, cut) in enumerate(self._cuts(-(-pairs // series))):
            self._change(base, cut)
            self._truncate(base, cut)
            if place % 10 == 0 and series > 1:
                self._remove(base, int(self.generator.integers(series)))
        self._probe()
        return LeakReport(
            pairs=self.checks["cuts"] * series,
            checks={name: count for name, count in self.checks.items() if name != "cuts"},
            violations=tuple(self.violations),
            found=self.found.total(),
            excepted=int(self.common.sum()),
            series=series,
        )

    def _cuts(self, count: int) -> Iterator[tuple[_Base, int]]:
        """The borders and edges first, the same ones again with gaps, and then cuts at random."""
        train, valid, test = self.base.data.spans
        steps = self.base.panel.num_steps
        window = getattr(self.base.data, "window_length", None) or (self.base.codec.memory or 1)
        special = [border + shift for shift in (-1, 0, -2) for border in (train, valid, test)]
        special += [window - 1, window, train - window, train - window - 1, valid - window]
        size = self.base.size
        for cut in list(dict.fromkeys(special))[: max(count // 2, 6)]:
            if size < cut < steps - 1:
                self.checks["cuts"] += 1
                yield self.base, cut
        values = self.gapped.panel.values
        gaps = np.flatnonzero(np.isnan(values).any(axis=0))
        edges = [train - 1, valid - 1]
        while self.checks["cuts"] < count:
            draw = self.generator.random()
            if draw < 0.3 and len(gaps):
                base, cut = self.gapped, int(self.generator.choice(gaps)) - int(self.generator.integers(0, 2))
            elif draw < 0.4:
                base, cut = self.gapped, edges[int(self.generator.integers(2))]
            else:
                base, cut = self.base, int(self.generator.integers(size, steps - 1))
            if size < cut < steps - 1:
                self.checks["cuts"] += 1
                yield base, cut

    def _with_gaps(self, values: Floats) -> Floats:
        """The values with one in twenty missing, in runs of five."""
        begins = self.generator.random(values.shape) < 0.01
        missing = begins.copy()
        for shift in range(1, 5):
            missing[:, shift:] |= begins[:, :-shift]
        missing[:, :2] = False
        return np.where(missing, np.nan, values)

    def _changed(self, values: Floats, cut: int) -> Floats:
        """The values with others after the cut."""
        after = values[:, cut + 1 :].copy()
        kind = int(self.generator.integers(4))
        if kind == 0:
            after *= self.generator.lognormal(sigma=0.5, size=after.shape)
        elif kind == 1:
            after = self.generator.permuted(after, axis=1) * 1.7
        elif kind == 2:
            after[:] = np.nanmax(np.abs(values), axis=1, keepdims=True, initial=1.0) * 3
        else:
            after[self.generator.random(after.shape) < 0.5] = np.nan
            after *= 0.6
        return np.concatenate([values[:, : cut + 1], after], axis=1)

    def _change(self, base: _Base, cut: int) -> None:
        kind = "future changed"
        raw = base.raw
        changed = raw.with_values(self._changed(raw.values, cut))
        if np.array_equal(changed.values, raw.values, equal_nan=True):
            return None  # nothing but gaps lies after the cut
        data = self.make_data(changed)
        panel = data.panel
        if panel.unique_ids != base.panel.unique_ids or panel.num_steps != base.panel.num_steps:
            # A series may become too short to train on, where the training span itself is changed.
            return None if cut + 1 < base.data.spans[0] else self.violate(kind, "series", "", cut, 1.0)
        if np.array_equal(panel.values[:, cut + 1 :], base.panel.values[:, cut + 1 :], equal_nan=True):
            raise ConfigError(
                "the data module's panel is not made from `given`, where that is set (see PanelData): "
                "nothing can be tested"
            )
        known = slice(0, cut + 1)
        self.compare(kind, "values", base.panel.values[:, known], panel.values[:, known], cut)
        self.checks["spans"] += 1
        if tuple(data.spans) != tuple(base.data.spans):
            self.violate(kind, "spans", "", cut, 1.0)
        train, valid, _ = base.data.spans
        # In whole steps: the one that holds the first changed value is the first whose target may differ.
        step = (cut + 1) // base.size
        if cut + 1 >= train:
            fitted = base.encoded(base.panel, data.codec)
            self.compare_encodings(kind, "constants", base.encoding, fitted, step, cut)
        # Values that have leaked are found above: here they are the same, so that only the codec can leak.
        same = panel.with_values(panel.values.copy())
        same.values[:, known] = base.panel.values[:, known]
        self.compare_encodings(kind, "features", base.encoding, base.encoded(same), step, cut)
        for span, end in (("training", train), ("validation", valid)):
            if cut + 1 == end:
                self.compare_batches(kind, f"{span} batches", base.batches(span), _batches(data, span), cut)
        if base.predictor is not None:
            mine, other = (self._forecast(base, one, cut) for one in (base.panel, same))
            self.compare(kind, "forecast", mine, other, cut)
        return None

    def _truncate(self, base: _Base, cut: int) -> None:
        kind, part = "future removed", base.panel.part(0, cut + 1)
        step = (cut + 1) // base.size
        if step:
            shorter = base.encoded(part)
            self.compare_encodings(kind, "features", base.encoding, shorter, step - 1, cut, TOLERANCE)
        if base.predictor is not None:
            ours, theirs = (self._forecast(base, one, cut) for one in (base.panel, part))
            self.compare(kind, "forecast", ours, theirs, cut, TOLERANCE)

    def _remove(self, base: _Base, series: int) -> None:
        kind, cut = "series removed", base.panel.num_steps - 1
        kept = np.delete(np.arange(len(base.panel.unique_ids)), series)
        encoding = base.encoded(base.panel.rows(kept))
        ours = base.encoding.map(lambda tensor: tensor[kept])
        steps = ours.observed.shape[1]
        names = [base.panel.unique_ids[place] for place in kept]
        own = ~self.common
        mine, other = (
            part.inputs.numpy().reshape(*part.inputs.shape[:2], -1)[..., own] for part in (ours, encoding)
        )
        self.compare(kind, "features", mine, other, cut, TOLERANCE, names)
        self.compare_encodings(
            kind, "scales", ours, encoding, steps - 1, cut, TOLERANCE, names, without_inputs=True
        )

    def _forecast(self, base: _Base, panel: Panel, cut: int) -> Floats:
        """(N, values) of the forecast from the cut."""
        assert base.predictor is not None
        horizon = max(_HORIZON, base.size)
        forecast = base.predictor.forecast(panel, horizon, origins=[cut], num_samples=_PATHS)
        held = forecast.samples if isinstance(forecast, Forecast) else forecast.values
        return np.asarray(held[0], dtype=np.float64).reshape(held.shape[1], -1)

    def _probe(self) -> None:
        """Random walks: what a linear probe finds in the inputs of their steps has leaked."""
        raw, generator = self.base.raw, self.generator
        walks = 100 * np.exp(0.02 * generator.standard_normal(raw.values.shape).cumsum(axis=1))
        data = self.make_data(raw.with_values(walks))
        size, train = self.base.size, data.spans[0]
        whole = data.panel.num_steps // size * size
        inputs = self.base.encoded(data.panel, data.codec).inputs.double().numpy()
        inputs = inputs.reshape(*inputs.shape[:2], -1)[:, 1:]
        values = walks[:, :whole]
        moves = np.sign(values[:, size::size] - values[:, size - 1 : -1 : size][:, : inputs.shape[1]])
        learned, later = train // size - 1, slice(train // size, None)
        sound = np.isfinite(inputs).all(axis=2)
        past, future = sound[:, :learned], sound[:, later]
        if past.sum() < 20 or future.sum() < 20:
            return
        self.checks["probe"] += 1
        probe = Ridge(alpha=1.0).fit(inputs[:, :learned][past], moves[:, :learned][past])
        said = np.sign(probe.predict(inputs[:, later][future]))
        hits, tries = int((said == moves[:, later][future]).sum()), len(said)
        if stats.binomtest(hits, tries, alternative="greater").pvalue < CHANCE:
            self.violate("future planted", "probe", "", train - 1, hits / tries - 0.5)


def _batches(data: PanelData, span: str) -> list[Any]:
    loader = data.train_dataloader() if span == "training" else data.val_dataloader()
    return [batch for batch, _ in zip(loader, range(_BATCHES), strict=False)] if loader else []
