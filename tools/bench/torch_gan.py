#!/usr/bin/python3
"""The article's GAN in PyTorch on the CPU, for `bench --peer`: prints the milliseconds of one step.

    apt-get install python3-torch python3-numpy
    /usr/bin/python3 tools/bench/torch_gan.py --best           # over the settings below
    /usr/bin/python3 tools/bench/torch_gan.py --best --r1 1

One step is one discriminator update and one generator update, non-saturating loss, Adam(2e-4, 0.5, 0.999).
G 100-128-128-784 (ReLU, ReLU, sigmoid), D 784-128-128-1 (ReLU, ReLU, logit). Glorot uniform, zero biases.
--r1 WEIGHT adds WEIGHT/2 * E|grad_x D(x)|^2 on real images to the discriminator's loss (Mescheder et al. 2018).

--best times once for each setting a careful user would try and prints the best: 1 and 2 threads, OpenBLAS with
1 and 2, and glibc told to keep its memory (otherwise the allocator returns and maps pages again in every step).
"""
import argparse
import os
import re
import subprocess
import sys
import time

keep_memory = {'MALLOC_TOP_PAD_': '268435456', 'MALLOC_TRIM_THRESHOLD_': '4294967295',
               'MALLOC_MMAP_THRESHOLD_': '4294967295'}


def best(arguments):
    found = None
    for threads in (1, 2):
        for blas in (1, 2):
            for memory in ({}, keep_memory):
                environment = {**os.environ, 'OMP_NUM_THREADS': str(threads), 'OPENBLAS_NUM_THREADS': str(blas), **memory}
                run = subprocess.run([sys.executable, __file__, *[x for x in arguments if x != '--best'],
                                      '--threads', str(threads)],
                                     stdout=subprocess.PIPE, text=True, env=environment, check=True)
                ms = float(re.search(r'median ([\d.]+)', run.stdout)[1])
                name = f'OMP {threads}, OpenBLAS {blas}, {"memory kept" if memory else "default memory"}'
                print(f'{ms:9.3f} ms  {name}', flush=True)
                found = min(found or (ms, name), (ms, name))
    print(f'best: median {found[0]:.3f} ms ({found[1]})')


def networks():
    import torch.nn as nn
    generator = nn.Sequential(nn.Linear(100, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 784),
                              nn.Sigmoid())
    discriminator = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
    for module in [*generator, *discriminator]:
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return generator, discriminator


def main():
    parser = argparse.ArgumentParser(description='Times the article\'s GAN in PyTorch.')
    parser.add_argument('--batch', type=int, default=128)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--r1', type=float, default=0.0)
    parser.add_argument('--best', action='store_true')
    options = parser.parse_args()
    if options.best:
        best(sys.argv[1:])
        return

    import torch
    import torch.nn.functional as F
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    batch = options.batch
    generator, discriminator = networks()
    generator_adam, discriminator_adam = (
        torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999), foreach=True)
        for network in (generator, discriminator))
    images = torch.rand(batch * 8, 784)
    one, zero = torch.ones(batch, 1), torch.zeros(batch, 1)
    loss = F.binary_cross_entropy_with_logits

    def step():
        real = images[torch.randint(len(images), (batch,))]
        fake = generator(torch.randn(batch, 100)).detach()
        discriminator_adam.zero_grad(set_to_none=True)
        if options.r1:
            real.requires_grad_()
        score = discriminator(real)
        discriminator_loss = loss(score, one) + loss(discriminator(fake), zero)
        if options.r1:
            gradient, = torch.autograd.grad(score.sum(), real, create_graph=True)
            discriminator_loss = discriminator_loss + options.r1 / 2 * (gradient ** 2).sum(1).mean()
        discriminator_loss.backward()
        discriminator_adam.step()
        generator_adam.zero_grad(set_to_none=True)
        generator_loss = loss(discriminator(generator(torch.randn(batch, 100))), one)
        generator_loss.backward()
        generator_adam.step()
        return discriminator_loss.item(), generator_loss.item()

    for _ in range(20):
        step()
    begin = time.perf_counter()
    step()
    # A setting that oversubscribes the processor takes a hundred times as long: fewer steps show it as well.
    steps = max(2, min(200, int(1.0 / (time.perf_counter() - begin))))
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        times.append((time.perf_counter() - begin) / steps * 1e3)
    times.sort()
    print(f'batch {batch} threads {options.threads}: ms/step min {times[0]:.3f} median {times[3]:.3f} max {times[-1]:.3f}')


main()
