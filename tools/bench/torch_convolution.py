#!/usr/bin/python3
"""Times PyTorch's convolutions for `tools/bench/bench --only convolution --peer`.

  apt-get install -y --no-install-recommends python3-torch python3-numpy
  /usr/bin/python3 tools/bench/torch_convolution.py

Prints a line for each layer of the DCGAN at 28 pixels, batch 64, and each pass: their names and the median of the
milliseconds on one thread and on two. The passes are the same functions for both kinds of layer: a transposed
convolution's forward pass is a convolution's data gradient and the other way round.
"""

import os
import statistics
import subprocess
import sys
import time

import torch

# Without these glibc returns memory after each call and maps it again.
KEEP_MEMORY = dict(MALLOC_TOP_PAD_="268435456", MALLOC_TRIM_THRESHOLD_="4294967295",
                   MALLOC_MMAP_THRESHOLD_="4294967295")
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


def measure(threads):
    torch.set_num_threads(threads)
    with torch.no_grad():
        for layer, sizes in LAYERS.items():
            for name, function in passes(*sizes).items():
                print(layer, name, f"{milliseconds(function):.4f}", flush=True)


def main():
    if len(sys.argv) > 1:
        return measure(int(sys.argv[1]))
    lines = []
    for threads in ("1", "2"):
        environment = dict(os.environ, OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads, **KEEP_MEMORY)
        run = subprocess.run([sys.executable, __file__, threads], env=environment, capture_output=True, text=True, check=True)
        lines.append(run.stdout.splitlines())
    for one, two in zip(*lines):
        print(one, two.split()[-1])


if __name__ == "__main__":
    main()
