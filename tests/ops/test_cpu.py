"""The choice of CPU kernels: made once, plain, repeatable, and never by an import."""

import subprocess
import sys
import time

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


AMD = {"vendor_id": "AuthenticAMD", "flags": "fpu avx2 avx512f avx512_bf16"}


@pytest.fixture
def processor(monkeypatch):
    """Lets the processor say what is given of itself."""
    return lambda **facts: monkeypatch.setattr(cpu, "_processor_facts", lambda: facts)


def test_the_choice_is_plain_and_complete():
    assert cpu_tuning() is None
    choice = tune_cpu()
    assert yaml.safe_load(yaml.safe_dump(choice)) == choice
    assert list(choice) == ["processor", "matmul_precision", "error", "memory_kept"]
    assert choice["matmul_precision"] == torch.get_float32_matmul_precision()
    assert torch.backends.cpu.get_cpu_capability() in choice["processor"]
    assert cpu_tuning() == choice


@pytest.mark.parametrize(
    ("facts", "error", "expected"),
    [
        ({}, 1e-7, "medium"),
        ({}, 9.9e-6, "medium"),
        ({}, 1e-5, "highest"),  # bfloat16, or nearly
        ({}, float("nan"), "highest"),
        ({"flags": "avx2"}, 0.0, "highest"),  # Zen 3: no gain
        ({"flags": "avx512f amx_tile amx_bf16"}, 0.0, "highest"),  # units of lower precision
        ({"vendor_id": "GenuineIntel"}, 0.0, "highest"),  # where MKL is fast
        ({"vendor_id": "", "flags": ""}, 0.0, "highest"),
    ],
)
def test_medium_is_chosen_by_what_the_processor_says(processor, monkeypatch, facts, error, expected):
    processor(**{**AMD, **facts})
    monkeypatch.setattr(cpu, "_error_of_medium", lambda: error)
    assert tune_cpu()["matmul_precision"] == expected == torch.get_float32_matmul_precision()


def test_no_clock_is_asked(processor, monkeypatch):
    """However long a product takes, the choice is the same."""
    processor(**AMD)

    def asked(*_):
        raise AssertionError("a clock")

    for name in ("time", "perf_counter", "monotonic", "process_time", "perf_counter_ns", "monotonic_ns"):
        monkeypatch.setattr(time, name, asked)
    first = tune_cpu()
    torch.set_float32_matmul_precision("highest")
    assert tune_cpu() == first
    assert first["error"] < 1  # "medium" was looked at


def test_with_a_gpu_nothing_is_chosen(processor, monkeypatch):
    processor(**AMD)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    choice = tune_cpu()
    assert (choice["matmul_precision"], choice["error"]) == ("highest", None)


def test_what_the_user_had_set_stays_where_medium_is_not_chosen(processor):
    processor(vendor_id="GenuineIntel")
    torch.set_float32_matmul_precision("high")
    assert tune_cpu()["matmul_precision"] == "high"


def test_the_caller_cannot_change_what_was_chosen(processor):
    processor(vendor_id="GenuineIntel")
    tune_cpu()["matmul_precision"] = "nonsense"
    cpu_tuning()["matmul_precision"] = "nonsense"
    assert cpu_tuning()["matmul_precision"] == "highest"


def test_looking_at_medium_leaves_precision_and_random_numbers_alone():
    state = torch.get_rng_state()
    torch.set_float32_matmul_precision("high")
    error = cpu._error_of_medium()
    assert 0 <= error < 1
    assert torch.get_float32_matmul_precision() == "high"
    assert torch.equal(torch.get_rng_state(), state)


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
    subprocess.run([sys.executable, "-W", "ignore", "-c", lines], check=True, timeout=600)
