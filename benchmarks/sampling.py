"""How many path-steps a second does a forecast sample?

`AutoregressiveModel.sample` draws 100 paths of 20 series over 48 steps, so 96 000 path-steps, from an LSTM
of 2 layers of 64 units with a Student-t head, prices decoded and features computed in the loop, float32
weights, one thread. The figure is the median over the repeats of path-steps by CPU second; 0.75 million is
aimed at. Beside it, in the same process and turn by turn:

    matmul   float32 GFLOP/s of (2000 × 128) · (128 × 256), the size of an LSTM layer's step here
    lstm     path-steps a second of `nn.LSTM` alone, 2 × 64 over the same inputs, one step at batch 2000
    limit    path-steps a second if the network's matrix products ran at the matmul's speed and all else
             were free

With --block-size P a step is a block of P values, and a path-step one of its values.

    taskset -c 0 python benchmarks/sampling.py [--repeats 9] [--block-size 24] [--profile]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from tsrnn.backbones import LSTM
from tsrnn.codecs import Blocks, LogReturns
from tsrnn.embeddings import ValueEmbedding
from tsrnn.heads import StudentT
from tsrnn.models import AutoregressiveModel

PATHS, SERIES, STEPS, HIDDEN, LAYERS, EMBEDDING, HISTORY = 100, 20, 48, 64, 2, 32, 256


def make_model(block_size: int | None) -> AutoregressiveModel:
    """The model, with the shipped embedding of 32."""
    codec = LogReturns() if block_size is None else Blocks(block_size, (block_size, 7 * block_size))
    embedding = ValueEmbedding(codec.input_size, EMBEDDING)
    head = StudentT(HIDDEN, codec.event_shape)
    return AutoregressiveModel(codec, embedding, LSTM(EMBEDDING, HIDDEN, LAYERS), head).eval()


def flops_per_path_step(model: AutoregressiveModel) -> int:
    """Two for every weight of a matrix product."""
    return 2 * sum(parameter.numel() for parameter in model.parameters() if parameter.dim() == 2)


def cpu_seconds(function: Callable[[], object]) -> float:
    began = time.process_time()
    function()
    return time.process_time() - began


def contenders(model: AutoregressiveModel) -> dict[str, Callable[[], object]]:
    """What is timed, each about as long as 48 steps of all paths."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(SERIES, HISTORY, generator=generator, dtype=torch.float64)
    size = model.codec.event_shape[0] if model.codec.event_shape else 1
    blocks = STEPS // size
    state = model.read(100 * (0.01 * noise[:, : HISTORY // size * size]).cumsum(-1).exp())
    rows = PATHS * SERIES
    kernel = nn.LSTM(EMBEDDING, HIDDEN, LAYERS, batch_first=True)
    inputs = torch.randn(rows, 1, EMBEDDING)
    left, right = torch.randn(rows, 2 * HIDDEN), torch.randn(2 * HIDDEN, 4 * HIDDEN)
    product = torch.empty(rows, 4 * HIDDEN)

    def lstm_alone() -> None:
        hidden = (torch.zeros(LAYERS, rows, HIDDEN), torch.zeros(LAYERS, rows, HIDDEN))
        for _ in range(STEPS):
            _, hidden = kernel(inputs, hidden)

    def matmul() -> None:
        for _ in range(STEPS):
            torch.mm(left, right, out=product)

    return {
        "sample": lambda: model.sample(state, blocks, PATHS, generator),
        "lstm": lstm_alone,
        "matmul": matmul,
    }


def measure(model: AutoregressiveModel, repeats: int) -> dict[str, float]:
    torch.set_num_threads(1)
    functions = contenders(model)
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    with torch.no_grad():
        for repeat in range(repeats + 1):  # the first warms up
            for name, function in functions.items():
                taken = cpu_seconds(function)
                if repeat:
                    seconds[name].append(taken)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    path_steps = PATHS * SERIES * STEPS
    matmul_flops = 2 * PATHS * SERIES * 2 * HIDDEN * 4 * HIDDEN * STEPS / median["matmul"]
    return {
        "sample_path_steps_per_second": path_steps / median["sample"],
        "sample_slowest": path_steps / max(seconds["sample"]),
        "sample_fastest": path_steps / min(seconds["sample"]),
        "lstm_path_steps_per_second": path_steps / median["lstm"],
        "share_of_lstm_alone": median["lstm"] / median["sample"],
        "matmul_gflops": matmul_flops / 1e9,
        "kflop_per_path_step": flops_per_path_step(model) / 1e3,
        "limit_path_steps_per_second": matmul_flops / flops_per_path_step(model),
        "gflops_that_the_aim_needs": 0.75e6 * flops_per_path_step(model) / 1e9,
        "microseconds_per_step": 1e6 * median["sample"] / STEPS,
    }


def print_profile(model: AutoregressiveModel) -> None:
    """Every operator's own time a step, largest first."""
    sample = contenders(model)["sample"]
    sample()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        sample()
    rows = sorted(profiler.key_averages(), key=lambda row: -row.self_cpu_time_total)
    print("operator\tmicroseconds_per_step\tcalls_per_step")
    for row in rows[:25]:
        print(f"{row.key}\t{row.self_cpu_time_total / STEPS:.1f}\t{row.count / STEPS:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument(
        "--block-size", type=int, choices=(1, 2, 4, 6, 8, 12, 24, 48), help="values of a step"
    )
    parser.add_argument("--profile", action="store_true", help="list the operators by their own time a step")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = make_model(options.block_size)
    figures = measure(model, options.repeats)
    for name, value in figures.items():
        print(f"{name}\t{value:,.3f}" if value < 1e4 else f"{name}\t{value:,.0f}")
    if options.profile:
        print_profile(model)


if __name__ == "__main__":
    main()
