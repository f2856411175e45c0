"""The choice of CPU kernels: made once, plain, repeatable, and never by an import."""

import subprocess
import sys

import pytest
import torch
import yaml

from tsrnn.ops import cpu
from tsrnn.ops.cpu import cpu_tuning, tune_cpu


@pytest.fixture(autouse=True)
def _undone(monkeypatch):
    """The settings of the process are as they were, and its memory is left alone."""
    before = torch.get_float32_matmul_precision()
    monkeypatch.setattr(cpu, "_tuning", None)
    monkeypatch.setattr(cpu, "_keep_memory", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.fixture
def probe(monkeypatch):
    """Lets the probe find what is given, and counts how often it is asked."""
    asked = []

    def find(gain, error):
        monkeypatch.setattr(cpu, "_probe", lambda: asked.append(1) or (gain, error))
        return asked

    return find


def test_the_choice_is_plain_and_complete():
    assert cpu_tuning() is None
    choice = tune_cpu()
    assert yaml.safe_load(yaml.safe_dump(choice)) == choice
    assert list(choice) == ["processor", "matmul_precision", "gain", "error", "memory_kept"]
    assert choice["matmul_precision"] == torch.get_float32_matmul_precision()
    assert choice["gain"] > 0
    assert 0 <= choice["error"] < 1
    assert torch.backends.cpu.get_cpu_capability() in choice["processor"]
    assert cpu_tuning() == choice


@pytest.mark.parametrize(
    ("gain", "error", "expected"),
    [
        (2.0, 1e-7, "medium"),
        (1.31, 9.9e-6, "medium"),
        (1.3, 1e-7, "highest"),  # not worth another arithmetic
        (0.5, 0.0, "highest"),
        (5.0, 1e-5, "highest"),  # bfloat16, or nearly
        (5.0, 4e-3, "highest"),
        (5.0, float("nan"), "highest"),
    ],
)
def test_medium_is_chosen_only_where_it_is_exact_and_faster(probe, gain, error, expected):
    asked = probe(gain, error)
    choice = tune_cpu()
    assert len(asked) == 1
    assert choice["matmul_precision"] == torch.get_float32_matmul_precision() == expected
    assert choice["gain"] == gain


def test_what_the_user_had_set_stays_where_medium_is_no_gain(probe):
    probe(1.0, 0.0)
    torch.set_float32_matmul_precision("high")
    assert tune_cpu()["matmul_precision"] == torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("precision", ["medium", "highest"])
def test_the_same_processor_has_the_same_choice_again_without_a_probe(probe, precision):
    asked = probe(9.0, 0.0) if precision == "highest" else probe(1.0, 1.0)
    chosen = {**tune_cpu(), "matmul_precision": precision}
    torch.set_float32_matmul_precision("highest")
    asked.clear()
    assert tune_cpu(chosen) == chosen
    assert torch.get_float32_matmul_precision() == precision
    assert cpu_tuning() == chosen
    assert asked == []


def test_another_processor_is_probed_anew(probe):
    asked = probe(1.0, 0.0)
    other = {**tune_cpu(), "processor": "Z80, DEFAULT", "matmul_precision": "medium", "gain": 7.0}
    asked.clear()
    choice = tune_cpu(other)
    assert len(asked) == 1
    assert choice["processor"] != "Z80, DEFAULT"
    assert (choice["matmul_precision"], choice["gain"]) == ("highest", 1.0)


def test_with_a_gpu_nothing_is_tried_or_chosen(probe, monkeypatch):
    asked = probe(9.0, 0.0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    choice = tune_cpu()
    assert asked == []
    assert (choice["matmul_precision"], choice["gain"], choice["error"]) == ("highest", None, None)
    assert torch.get_float32_matmul_precision() == "highest"
    assert yaml.safe_load(yaml.safe_dump(choice)) == choice


def test_the_caller_cannot_change_what_was_chosen(probe):
    probe(1.0, 0.0)
    tune_cpu()["matmul_precision"] = "nonsense"
    cpu_tuning()["matmul_precision"] = "nonsense"
    assert cpu_tuning()["matmul_precision"] == "highest"
    chosen = dict(cpu_tuning())
    tune_cpu(chosen)
    chosen["matmul_precision"] = "nonsense"
    assert cpu_tuning()["matmul_precision"] == "highest"


def test_the_probe_leaves_precision_and_random_numbers_alone():
    torch.set_float32_matmul_precision("high")
    before = torch.get_rng_state()
    gain, error = cpu._probe()
    assert torch.get_float32_matmul_precision() == "high"
    assert torch.equal(torch.get_rng_state(), before)
    assert gain > 0
    assert error > 0  # it was float32


def test_the_probe_measures_medium_and_not_another(monkeypatch):
    """A `medium` that rounds to bfloat16 is seen as such."""
    matmul = torch.Tensor.__matmul__

    def rounded(a, b):
        product = matmul(a, b)
        coarse = torch.get_float32_matmul_precision() == "medium" and a.dtype == torch.float32
        return product.bfloat16().float() if coarse else product

    monkeypatch.setattr(torch.Tensor, "__matmul__", rounded)
    _, error = cpu._probe()
    assert error > 1e-4


def test_importing_changes_nothing_and_memory_is_kept_where_there_is_glibc():
    code = """
        import platform, torch
        before = torch.get_float32_matmul_precision()
        import tsrnn, tsrnn.training
        assert tsrnn.tune_cpu is not None
        from tsrnn.ops.cpu import _keep_memory, cpu_tuning
        assert torch.get_float32_matmul_precision() == before == "highest"
        assert cpu_tuning() is None
        assert _keep_memory() == (platform.libc_ver()[0] == "glibc")
        platform.libc_ver = lambda: ("", "")
        assert _keep_memory() is False
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    subprocess.run([sys.executable, "-W", "ignore", "-c", lines], check=True, timeout=120)
