"""Time comparing two models of 60 convolutions beside running both once; the frameworks' start aside.

python benchmarks/model_comparison.py [--rounds 7] [--channels 64] [--size 56]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import torch
from torch import nn

from parity import models

CONVOLUTIONS = 60


def pair(channels: int, size: int) -> tuple[Any, Any]:
    """Make a network in PyTorch and its port to Keras."""
    torch.manual_seed(0)
    kinds = [nn.Conv2d(3 if not n else channels, channels, 3, padding=1) for n in range(CONVOLUTIONS)]
    source = nn.Sequential(*(each for conv in kinds for each in (conv, nn.ReLU()))).eval()
    x = first = keras.Input((size, size, 3))
    for number in range(CONVOLUTIONS):
        layer = keras.layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv_{number}")
        x = layer(x)
        conv = kinds[number]
        layer.set_weights([conv.weight.detach().numpy().transpose(2, 3, 1, 0), conv.bias.detach().numpy()])
    return source, keras.Model(first, x)


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print the ratio of each round, and their median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--size", type=int, default=56)
    given = parser.parse_args()
    source, port = pair(given.channels, given.size)
    x = np.random.default_rng(0).standard_normal((1, 3, given.size, given.size), dtype=np.float32)
    tensor, last = torch.from_numpy(x), keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1))

    def both() -> None:
        with torch.no_grad():
            source(tensor)
        port(last, training=False)

    def compared() -> None:
        if not models.compare(source, port, [x]).same:
            raise SystemExit("the port is not the same: nothing was measured")

    both()
    compared()
    ratios = []
    for number in range(given.rounds):
        once, whole = seconds(both), seconds(compared)
        ratios.append(whole / once)
        print(f"round {number + 1}: both once {once:.3f} s, compared {whole:.3f} s, ratio {ratios[-1]:.2f}")
    print(f"median of the ratios: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
