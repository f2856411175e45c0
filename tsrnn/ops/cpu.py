"""What makes a CPU faster without changing its numbers, found out by a short probe."""

from __future__ import annotations

import ctypes
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import torch

_LARGEST_ERROR = 1e-5
_LEAST_GAIN = 1.3
_ROUNDS = 7
_SHAPE = (512, 256, 2048)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

_tuning: dict[str, Any] | None = None


def tune_cpu(chosen: dict[str, Any] | None = None) -> dict[str, Any]:
    """Choose torch's kernels for products of matrices on this processor, and let freed memory be kept.

    `torch.set_float32_matmul_precision("medium")` sends products to oneDNN. On some processors that is as
    exact as "highest" and faster; on others it means bfloat16. So it is tried: it is chosen if its largest
    error over the largest entry, against float64, is below 1e-5, and it is over 1.3 times faster. With a
    GPU nothing is chosen, because there the setting means another arithmetic.

    glibc gives large freed blocks back to the system and fetches them anew: the logits of every step are
    mapped, filled with zeros page by page, and unmapped. It is told to keep them.

    Both hold for the whole process. `import tsrnn` never does this; `tsrnn fit` does, once.

    Args:
        chosen: what an earlier call returned, to have the same again on the same processor, without a
            probe.

    Returns:
        The choice in plain types: processor, matmul_precision, gain and error (None where nothing was
        tried), memory_kept.
    """
    global _tuning
    before = torch.get_float32_matmul_precision()
    result: dict[str, Any] = {
        "processor": _processor(),
        "matmul_precision": before,
        "gain": None,
        "error": None,
    }
    on_gpu = torch.cuda.is_available()
    if not on_gpu and chosen is not None and chosen["processor"] == result["processor"]:
        result = dict(chosen)
    elif not on_gpu:
        result["gain"], result["error"] = _probe()
        exact, faster = result["error"] < _LARGEST_ERROR, result["gain"] > _LEAST_GAIN
        result["matmul_precision"] = "medium" if exact and faster else before
    torch.set_float32_matmul_precision(result["matmul_precision"])
    result["memory_kept"] = _keep_memory()
    _tuning = result
    return dict(result)


def cpu_tuning() -> dict[str, Any] | None:
    """What `tune_cpu` chose in this process; None if it was not called."""
    return None if _tuning is None else dict(_tuning)


def _probe() -> tuple[float, float]:
    """How many times faster "medium" is than "highest", and its largest error over the largest entry."""
    generator = torch.Generator().manual_seed(0)
    rows, inner, columns = _SHAPE
    a, b = torch.randn(rows, inner, generator=generator), torch.randn(columns, inner, generator=generator)
    exact = a.double() @ b.double().t()
    seconds: dict[str, list[float]] = {"highest": [], "medium": []}
    error = 0.0
    before = torch.get_float32_matmul_precision()
    try:
        for _ in range(_ROUNDS):
            for precision, times in seconds.items():
                torch.set_float32_matmul_precision(precision)
                start = time.perf_counter()
                product = a @ b.t()
                times.append(time.perf_counter() - start)
                if precision == "medium":
                    error = float((product - exact).abs().max() / exact.abs().max())
    finally:
        torch.set_float32_matmul_precision(before)
    highest, medium = (statistics.median(times[1:]) for times in seconds.values())
    return round(highest / medium, 3), error


def _keep_memory() -> bool:
    """Tell glibc to keep freed blocks of any size; False where there is no glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1))


def _processor() -> str:
    """The processor's name, and what torch uses of it."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
