#!/usr/bin/python3
"""Times PyTorch's convolutions for `tools/bench/bench --only convolution --peer`.

  apt-get install -y --no-install-recommends python3-torch python3-numpy
  /usr/bin/python3 tools/bench/torch_convolution.py

Prints a line for each layer of the DCGAN at 28 pixels, batch 64, and each pass: their names and the median of the
milliseconds on one thread and on two. The passes are the same functions for both kinds of layer: a transposed
convolution's forward pass is a convolution's data gradient and the other way round.
"""

import statistics
import time

import torch

LAYERS = {"1-64": (1, 64, 28), "64-128": (64, 128, 14)}
BATCH, KERNEL, STRIDE, PADDING, ROUNDS = 64, 4, 2, 1, 15


def milliseconds(function):
    repeat, samples = 1, []
    begin = time.perf_counter()
    function()
    repeat = max(1, int(0.02 / max(time.perf_counter() - begin, 1e-6)))
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(repeat):
            function()
        samples.append((time.perf_counter() - begin) / repeat * 1e3)
    return statistics.median(samples)


def passes(channels, features, size):
    image = torch.rand(BATCH, channels, size, size)
    weight = torch.rand(features, channels, KERNEL, KERNEL)
    seed = torch.rand(BATCH, features, size // STRIDE, size // STRIDE)
    how = ([STRIDE, STRIDE], [PADDING, PADDING], [1, 1])
    backward = torch.ops.aten.convolution_backward

    def gradient(*wanted):
        return backward(seed, image, weight, [0], *how, False, [0, 0], 1, [*wanted, False])

    return {
        "features": lambda: torch.nn.functional.conv2d(image, weight, None, STRIDE, PADDING),
        "image": lambda: gradient(True, False),
        "weight": lambda: gradient(False, True),
    }


def main():
    for layer, sizes in LAYERS.items():
        for name, function in passes(*sizes).items():
            figures = []
            for threads in (1, 2):
                torch.set_num_threads(threads)
                figures.append(milliseconds(function))
            print(layer, name, *(f"{figure:.4f}" for figure in figures), flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
