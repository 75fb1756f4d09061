#!/usr/bin/python3
"""GANs in PyTorch on the CPU, for `bench --peer`: prints the milliseconds of one step.

    apt-get install python3-torch python3-numpy
    /usr/bin/python3 tools/bench/torch_gan.py --best           # over the settings below
    /usr/bin/python3 tools/bench/torch_gan.py --best --r1 1
    /usr/bin/python3 tools/bench/torch_gan.py --best --model dcgan --batch 64

One step is one discriminator update and one generator update, non-saturating loss, Adam(2e-4, 0.5, 0.999).
mlp:     the article's GAN. G 100-128-128-784 (ReLU, ReLU, sigmoid), D 784-128-128-1 (ReLU, ReLU, logit). Glorot
         uniform, zero biases.
dcgan:   28x28 images in [-1, 1]. G dense 100 -> 128x7x7, BN, ReLU, transposed conv 4x4/2 -> 64, BN, ReLU, transposed
         conv 4x4/2 -> 1, tanh; D conv 4x4/2 -> 64, leaky ReLU 0.2, conv 4x4/2 -> 128, BN, leaky ReLU 0.2, dense -> 1.
wgan-gp: dcgan without batch normalization in the critic, Wasserstein loss, gradient penalty 10, five critic updates
         to one of the generator, Adam(1e-4, 0, 0.9).
--r1 WEIGHT adds WEIGHT/2 * E|grad_x D(x)|^2 on real images to the discriminator's loss (Mescheder et al. 2018).

--best times once for each setting a careful user would try and prints the best: 1 and 2 threads, OpenBLAS with
1 and 2, and glibc told to keep its memory (otherwise the allocator returns and maps pages again in every step).
"""
import argparse
import os
import re
import resource
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
                peak = float(re.search(r'peak ([\d.]+)', run.stdout)[1])
                name = f'OMP {threads}, OpenBLAS {blas}, {"memory kept" if memory else "default memory"}'
                print(f'{ms:9.3f} ms  {peak:5.0f} MiB  {name}', flush=True)
                found = min(found or (ms, peak, name), (ms, peak, name))
    print(f'best: median {found[0]:.3f} ms, peak {found[1]:.0f} MiB ({found[2]})')


def networks(model):
    import torch.nn as nn
    if model == 'mlp':
        generator = nn.Sequential(nn.Linear(100, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 784),
                                  nn.Sigmoid())
        discriminator = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
        for module in [*generator, *discriminator]:
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        return generator, discriminator, (784,)
    generator = nn.Sequential(nn.Linear(100, 6272, bias=False), nn.Unflatten(1, (128, 7, 7)), nn.BatchNorm2d(128),
                              nn.ReLU(), nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                              nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh())
    normalized = model == 'dcgan'
    discriminator = nn.Sequential(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2),
                                  nn.Conv2d(64, 128, 4, 2, 1, bias=not normalized),
                                  nn.BatchNorm2d(128) if normalized else nn.Identity(), nn.LeakyReLU(0.2), nn.Flatten(),
                                  nn.Linear(6272, 1))
    for module in [*generator, *discriminator]:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0, 0.02)
    return generator, discriminator, (1, 28, 28)


def main():
    parser = argparse.ArgumentParser(description='Times a GAN in PyTorch.')
    parser.add_argument('--model', default='mlp', choices=['mlp', 'dcgan', 'wgan-gp'])
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
    critic = options.model == 'wgan-gp'
    generator, discriminator, shape = networks(options.model)
    rate, betas = (1e-4, (0.0, 0.9)) if critic else (2e-4, (0.5, 0.999))
    generator_adam, discriminator_adam = (
        torch.optim.Adam(network.parameters(), rate, betas, foreach=True)
        for network in (generator, discriminator))
    images = torch.rand(batch * 8, *shape)
    one, zero = torch.ones(batch, 1), torch.zeros(batch, 1)
    loss = F.binary_cross_entropy_with_logits

    def discriminator_step():
        real = images[torch.randint(len(images), (batch,))]
        fake = generator(torch.randn(batch, 100)).detach()
        discriminator_adam.zero_grad(set_to_none=True)
        if options.r1:
            real.requires_grad_()
        score = discriminator(real)
        if critic:
            part = torch.rand(batch, 1, 1, 1)
            points = (part * real + (1 - part) * fake).requires_grad_()
            gradient, = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
            discriminator_loss = discriminator(fake).mean() - score.mean()
            discriminator_loss = discriminator_loss + 10 * ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
        else:
            discriminator_loss = loss(score, one) + loss(discriminator(fake), zero)
        if options.r1:
            gradient, = torch.autograd.grad(score.sum(), real, create_graph=True)
            discriminator_loss = discriminator_loss + options.r1 / 2 * (gradient ** 2).flatten(1).sum(1).mean()
        discriminator_loss.backward()
        discriminator_adam.step()
        return discriminator_loss

    def step():
        for _ in range(5 if critic else 1):
            discriminator_loss = discriminator_step()
        generator_adam.zero_grad(set_to_none=True)
        score = discriminator(generator(torch.randn(batch, 100)))
        generator_loss = -score.mean() if critic else loss(score, one)
        generator_loss.backward()
        generator_adam.step()
        return discriminator_loss.item(), generator_loss.item()

    for _ in range(20 if options.model == 'mlp' else 2):
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
    print(f'peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB')


main()
