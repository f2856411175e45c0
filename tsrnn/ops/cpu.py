"""What makes a CPU faster, chosen from what the processor says of itself."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path
from typing import Any

import torch

_LARGEST_ERROR = 1e-5
_SHAPE = (512, 256, 2048)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

_tuning: dict[str, Any] | None = None


def tune_cpu() -> dict[str, Any]:
    """Choose torch's kernels for products of matrices on this processor, and let freed memory be kept.

    `torch.set_float32_matmul_precision("medium")` sends products to oneDNN, which computes them in float32
    unless the processor has matrix units of lower precision (AMX). MKL, which "highest" uses, is slow on
    AMD's AVX-512: 100 GFLOP/s a core against 215 on Zen 4. So "medium" is chosen on an AMD processor with
    AVX-512 and without AMX, if a product there is exact to 1e-5 of its largest entry. With a GPU nothing is
    chosen, because there the setting means another arithmetic. No clock is asked: the same processor has the
    same choice, and so the same numbers, whatever else it is doing.

    glibc gives large freed blocks back to the system and fetches them again: the logits of every step are
    mapped, filled with zeros page by page, and unmapped. It is told to keep them.

    Both hold for the whole process. `import tsrnn` never does this; `tsrnn fit` does, once.

    Returns:
        The choice in plain types: processor, matmul_precision, error (None where "medium" was no candidate),
        memory_kept.
    """
    global _tuning
    before = torch.get_float32_matmul_precision()
    suits = not torch.cuda.is_available() and _suits_medium(_processor_facts())
    error = _error_of_medium() if suits else None
    chosen = "medium" if error is not None and error < _LARGEST_ERROR else before
    torch.set_float32_matmul_precision(chosen)
    _tuning = {
        "processor": _processor(),
        "matmul_precision": chosen,
        "error": error,
        "memory_kept": _keep_memory(),
    }
    return dict(_tuning)


def cpu_tuning() -> dict[str, Any] | None:
    """What `tune_cpu` chose in this process; None if it was not called."""
    return None if _tuning is None else dict(_tuning)


def _suits_medium(facts: dict[str, str]) -> bool:
    """Whether oneDNN's float32 is worth its choice on a processor, from what that says of itself."""
    flags = facts.get("flags", "").split()
    amx = any(flag.startswith("amx") for flag in flags)
    return facts.get("vendor_id") == "AuthenticAMD" and "avx512f" in flags and not amx


def _error_of_medium() -> float:
    """The largest error of a fixed product under "medium", over its largest entry."""
    generator = torch.Generator().manual_seed(0)
    rows, inner, columns = _SHAPE
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(columns, inner, generator=generator)
    exact = a.double() @ b.double().t()
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        return float(((a @ b.t()) - exact).abs().max() / exact.abs().max())
    finally:
        torch.set_float32_matmul_precision(before)


def _keep_memory() -> bool:
    """Tell glibc to keep freed blocks of any size; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1))


def _processor_facts() -> dict[str, str]:
    """What Linux says of the first processor: vendor_id, model name, flags, ...; elsewhere nothing."""
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return {}
    first = information.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _processor() -> str:
    """The processor's name, and what torch uses of it."""
    name = _processor_facts().get("model name") or platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
