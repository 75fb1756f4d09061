#!/usr/bin/env python3
"""The steps of `bench --only terms` in PyTorch or in JAX on the CPU: milliseconds a step, and how many times the plain one.

    python3 -m venv peer && peer/bin/pip install torch==2.13.* jax numpy    # torch.compile needs g++ as well
    peer/bin/python tools/bench/terms_peer.py --threads 1
    peer/bin/python tools/bench/terms_peer.py --threads 1 --framework jax

The article's networks: G 100-128-128-784 (ReLU, ReLU, sigmoid), D 784-128-128-1 (ReLU, ReLU, logit), Glorot uniform; batch
128, Adam(2e-4, 0.5, 0.999), non-saturating loss where a row names no other. A step picks 128 of 9000 random images; it is
an update of D on fresh fakes, then one of G on fresh latents. `simultaneous` is one forward pass of each network and both
updates from the old weights. Each row does what Duet's does: R1 and R2 have weight 1; a penalty in every 16th step counts
16 times there, and Adam is rescaled (Karras et al. 2020, appendix B); spectral normalisation makes one power iteration an
update of D, and G's update takes the vectors as they are; transforms are DiffAugment's (Zhao et al. 2020), drawn
afresh for reals and fakes in both updates; under relativistic pairing G's update reads a batch of reals of its own.

PyTorch: eager and torch.compile are both measured and the better one is shown. What is compiled is each update's whole
gradient, with those of penalties, one graph without a break; Adam is the fused one. Gradients are taken by the updated
network's parameters alone. A translation gathers pixels, which was faster than matrices of shifts and the paper's code.
JAX: the whole step is one jitted function whose state is donated; R1 in every 16th step makes two of them. A translation
gathers as well, and so does its gradient, which XLA would scatter: it is the opposite translation.

Samples are of 16 steps or multiples, so that each has its share of what is done every 16 steps, and are taken in turns, one
of each row a round. Printed are medians over rounds, and the median of the rounds' ratios to the plain row.
"""
import argparse
import dataclasses
import math
import os
import statistics
import time

batch, latents, side, pixels, images = 128, 100, 28, 784, 9000
generator_sizes, discriminator_sizes = (latents, 128, 128, pixels), (pixels, 128, 128, 1)
most, cut = 4, 14  # An eighth and half of the side.


@dataclasses.dataclass
class Row:
    loss: str = 'non-saturating'
    simultaneous: bool = False
    r1: bool = False
    r2: bool = False
    every: int = 1
    spectral: bool = False
    average: bool = False
    transforms: bool = False
    clipping: bool = False

    def adam(self, lazy):
        """Rate, beta1 and beta2."""
        share = self.every / (self.every + 1) if lazy and self.every > 1 else 1
        return 2e-4 * share, 0.5 ** share, 0.999 ** share


rows = {'alternating': Row(), 'simultaneous': Row(simultaneous=True), 'R1': Row(r1=True),
        'R1, every 16 steps': Row(r1=True, every=16), 'R1 and R2': Row(r1=True, r2=True),
        'simultaneous, R1': Row(simultaneous=True, r1=True), 'spectral norm': Row(spectral=True),
        'average of the generator': Row(average=True), 'translation, cutout, brightness': Row(transforms=True),
        'relativistic pairing': Row(loss='relativistic'), 'hinge': Row(loss='hinge'),
        'gradient clipping': Row(clipping=True)}


def discriminator_loss(row, softplus, relu, real, fake):
    if row.loss == 'relativistic':
        return softplus(fake - real).mean()
    if row.loss == 'hinge':
        return relu(1 - real).mean() + relu(1 + fake).mean()
    return softplus(-real).mean() + softplus(fake).mean()


def generator_loss(row, softplus, real, fake):
    if row.loss == 'relativistic':
        return softplus(real - fake).mean()
    return -fake.mean() if row.loss == 'hinge' else softplus(-fake).mean()


def translation(places, moves):
    """Which pixel each pixel of an image comes from, and whether there is one."""
    down, across = places - moves
    inside = ((down >= 0) & (down < side))[:, :, None] & ((across >= 0) & (across < side))[:, None]
    source = down.clip(0, side - 1)[:, :, None] * side + across.clip(0, side - 1)[:, None]
    return source.reshape(batch, -1), inside.reshape(batch, -1)


def outside_cutout(places, middles):
    down, across = (places - middles + cut // 2) // cut == 0
    return ~(down[:, :, None] & across[:, None]).reshape(batch, -1)


def torch_step(row, compiled):
    import torch
    from torch import nn
    from torch.nn.functional import relu, softplus

    def network(sizes, last):
        layers = [nn.Linear(*shape) for shape in zip(sizes, sizes[1:])]
        for layer in layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2], last)

    generator, discriminator = network(generator_sizes, nn.Sigmoid()), network(discriminator_sizes, nn.Identity())
    if row.spectral:
        for layer in discriminator[::2]:
            nn.utils.parametrizations.spectral_norm(layer)
    of_generator, of_discriminator = list(generator.parameters()), list(discriminator.parameters())
    averaged = [parameter.detach().clone() for parameter in of_generator]
    adams = [torch.optim.Adam(parameters, rate, betas, fused=True) for parameters, (rate, *betas) in
             ((of_generator, row.adam(False)), (of_discriminator, row.adam(True)))]
    data, places = torch.rand(images, pixels), torch.arange(side)

    def transformed(x):
        if not row.transforms:
            return x
        source, inside = translation(places, torch.randint(-most, most + 1, (2, batch, 1)))
        kept = inside & outside_cutout(places, torch.randint(side + 1, (2, batch, 1)))
        return x.gather(1, source) * kept + (torch.rand(batch, 1) - 0.5)

    def gradients(loss, parameters, clipping=False):
        found = list(torch.autograd.grad(loss, parameters, retain_graph=row.simultaneous))
        if clipping:
            torch._foreach_mul_(found, (1 / (nn.utils.get_total_norm(found, foreach=True) + 1e-6)).clamp(max=1))
        return loss.detach(), found

    def scored(real, fake, penalised):
        """D's loss, and its scores of fakes."""
        if row.spectral or row.r2:
            both = torch.cat((transformed(real), transformed(fake)))
            real_score, fake_score = (score := discriminator(both)).chunk(2)
        else:
            real_score, fake_score = discriminator(transformed(real)), discriminator(transformed(fake))
        loss = discriminator_loss(row, softplus, relu, real_score, fake_score)
        if penalised:
            target, at = (score, both) if row.r2 else (real_score, real)
            slope, = torch.autograd.grad(target.sum(), at, create_graph=True)
            loss = loss + row.every / 2 * slope.square().sum() / batch
        return loss, fake_score

    def discriminator_part(real, latent, penalised):
        with torch.no_grad():
            fake = generator(latent)
        return gradients(scored(real, fake, penalised)[0], of_discriminator, row.clipping)

    def generator_part(real, latent):
        with torch.no_grad():
            real_score = None if real is None else discriminator(real)
        fake_score = discriminator(transformed(generator(latent)))
        return gradients(generator_loss(row, softplus, real_score, fake_score), of_generator)

    def joint_part(real, latent, penalised):
        loss, fake_score = scored(real, generator(latent), penalised)
        return (gradients(loss, of_discriminator, row.clipping),
                gradients(generator_loss(row, softplus, None, fake_score), of_generator))

    if compiled:
        torch._dynamo.config.trace_autograd_ops = True
        discriminator_part, generator_part, joint_part = (
            torch.compile(part, fullgraph=True, dynamic=False, isolate_recompiles=True)
            for part in (discriminator_part, generator_part, joint_part))
    steps = 0

    def update(which, found):
        for parameter, gradient in zip((of_generator, of_discriminator)[which], found):
            parameter.grad = gradient
        adams[which].step()

    def step():
        nonlocal steps
        penalised = row.r1 and steps % row.every == 0
        steps += 1
        pick = lambda: data[torch.randint(images, (batch,))]
        real, latent = pick().requires_grad_(penalised), torch.randn(batch, latents)
        if row.simultaneous:
            (loss, found), (of_fakes, found_too) = joint_part(real, latent, penalised)
            update(1, found)
        else:
            discriminator.train()  # Only spectral normalisation knows the difference: a power iteration, or none.
            loss, found = discriminator_part(real, latent, penalised)
            update(1, found)
            discriminator.eval()
            of_fakes, found_too = generator_part(pick() if row.loss == 'relativistic' else None, torch.randn(batch, latents))
        update(0, found_too)
        if row.average:
            with torch.no_grad():
                torch._foreach_lerp_(averaged, of_generator, 1 - 0.999)
        return loss, of_fakes

    return step


def jax_step(row):
    import jax
    import jax.numpy as jnp
    softplus, relu, places = jax.nn.softplus, jax.nn.relu, jnp.arange(side)

    def network(key, sizes):
        return [(jax.nn.initializers.glorot_uniform()(one, shape), jnp.zeros(shape[1]))
                for one, shape in zip(jax.random.split(key, 3), zip(sizes, sizes[1:]))]

    def layers(network, x):
        for weight, bias in network[:2]:
            x = relu(x @ weight + bias)
        return x @ network[2][0] + network[2][1]

    def generator(network, key):
        return jax.nn.sigmoid(layers(network, jax.random.normal(key, (batch, latents))))

    def unit(x):
        return x / jnp.maximum(jnp.linalg.norm(x), 1e-12)

    def iterated(network, vectors):
        return [(unit(weight @ (u := unit(v @ weight))), u) for (weight, _), (v, _) in zip(network, vectors)]

    def normalised(network, vectors):
        if not row.spectral:
            return network
        return [(weight / (v @ weight @ u), bias) for (weight, bias), (v, u) in zip(network, vectors)]

    def moved_plainly(x, moves):
        source, inside = translation(places, moves)
        return jnp.take_along_axis(x, source, 1, mode='promise_in_bounds') * inside

    moved = jax.custom_vjp(moved_plainly)
    moved.defvjp(lambda x, moves: (moved_plainly(x, moves), moves), lambda moves, slope: (moved_plainly(slope, -moves), None))

    def transformed(x, key):
        if not row.transforms:
            return x
        first, second, third = jax.random.split(key, 3)
        x = moved(x, jax.random.randint(first, (2, batch, 1), -most, most + 1))
        kept = outside_cutout(places, jax.random.randint(second, (2, batch, 1), 0, side + 1))
        return x * kept + jax.random.uniform(third, (batch, 1), minval=-0.5, maxval=0.5)

    def adam(network, gradient, moments, count, rate, beta1, beta2):
        first, second = moments
        first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradient)
        second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradient)
        size, scale = rate / (1 - beta1 ** count), 1 / jnp.sqrt(1 - beta2 ** count)
        return jax.tree.map(lambda w, m, v: w - size * m / (jnp.sqrt(v) * scale + 1e-8), network, first, second), (first, second)

    def of_discriminator(network, vectors, real, fake, keys, penalised):
        network = normalised(network, vectors)
        real_score, pull = jax.vjp(lambda x: layers(network, transformed(x, keys[0])), real)
        fake_score, pull_fake = jax.vjp(lambda x: layers(network, transformed(x, keys[1])), fake)
        loss = discriminator_loss(row, softplus, relu, real_score, fake_score)
        for pull in ([pull] if row.r1 and penalised else []) + ([pull_fake] if row.r2 else []):
            loss += row.every / 2 * jnp.square(pull(jnp.ones((batch, 1)))[0]).sum() / batch
        return loss

    def of_generator(network, discriminator, vectors, real, latent_key, key):
        discriminator = normalised(discriminator, vectors)
        real_score = layers(discriminator, real) if row.loss == 'relativistic' else None
        return generator_loss(row, softplus, real_score, layers(discriminator, transformed(generator(network, latent_key), key)))

    def whole(state, data, penalised):
        g, d, moments_g, moments_d, averaged, vectors, count, key = state
        key, *keys = jax.random.split(key, 8)
        count += 1
        real, more = (data[jax.random.randint(one, (batch,), 0, images)] for one in keys[:2])
        if row.spectral:
            vectors = iterated(d, vectors)
        loss, gradient = jax.value_and_grad(of_discriminator)(d, vectors, real, generator(g, keys[2]), keys[4:6], penalised)
        if row.clipping:
            norm = jnp.sqrt(sum(jnp.vdot(x, x) for x in jax.tree.leaves(gradient)))
            gradient = jax.tree.map(lambda x: x * jnp.minimum(1, 1 / (norm + 1e-6)), gradient)
        updated, moments_d = adam(d, gradient, moments_d, count, *row.adam(True))
        # Simultaneous: the old weights and the same latents, so that XLA merges both forward passes.
        loss_g, gradient = jax.value_and_grad(of_generator)(g, d if row.simultaneous else updated, vectors, more,
                                                            keys[2] if row.simultaneous else keys[3], keys[6])
        g, moments_g = adam(g, gradient, moments_g, count, *row.adam(False))
        if row.average:
            averaged = jax.tree.map(lambda a, w: a + (1 - 0.999) * (w - a), averaged, g)
        return (g, updated, moments_g, moments_d, averaged, vectors, count, key), (loss, loss_g)

    one, two, three, four = jax.random.split(jax.random.key(0), 4)
    g, d = network(one, generator_sizes), network(two, discriminator_sizes)
    zeros = lambda tree: jax.tree.map(jnp.zeros_like, tree)
    vectors = [(unit(jax.random.normal(three, (a,))), jnp.zeros(b)) for a, b in zip(discriminator_sizes, discriminator_sizes[1:])]
    if row.spectral:
        for _ in range(15):
            vectors = iterated(d, vectors)
    state = (g, d, (zeros(g), zeros(g)), (zeros(d), zeros(d)), jax.tree.map(jnp.copy, g) if row.average else None,
             vectors if row.spectral else None, jnp.zeros(()), three)
    data = jax.random.uniform(four, (images, pixels))
    jitted, steps = jax.jit(whole, static_argnums=2, donate_argnums=0), 0

    def step():
        nonlocal state, steps
        state, found = jitted(state, data, steps % row.every == 0)
        steps += 1
        return found

    return step


def measure(steps, rounds):
    """Milliseconds a step, one value a round, of each."""
    repeats = {}
    for name, step in steps.items():
        for _ in range(32):  # Compiles both kinds of step.
            found = [float(loss) for loss in step()]
        if not all(map(math.isfinite, found)):
            raise SystemExit(f'{name}: losses of {found}')
        repeats[name] = 16
        repeats[name] *= max(1, round(40 / 16 / sample(step, 16)))
    times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step()
            times[name].append(sample(step, repeats[name]))
    return times


def sample(step, repeat):
    begin = time.perf_counter()
    for _ in range(repeat):
        losses = step()
    float(losses[1])  # Waits for JAX, which returns before it has computed.
    return (time.perf_counter() - begin) / repeat * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--framework', default='torch', choices=['torch', 'jax'])
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=15)
    options = parser.parse_args()
    if options.framework == 'torch':
        import torch
        torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        version = torch.__version__
        steps = {(name, mode): torch_step(row, mode == 'compiled')
                 for name, row in rows.items() for mode in ('eager', 'compiled')}
    else:
        # How many threads XLA's pool has, and whether a product is shared among them: both are read as it starts.
        os.environ['NPROC'] = str(options.threads)
        os.environ['XLA_FLAGS'] = f'--xla_cpu_multi_thread_eigen={str(options.threads > 1).lower()}'
        import jax
        jax.config.update('jax_platforms', 'cpu')
        version = jax.__version__
        steps = {(name, 'jitted'): jax_step(row) for name, row in rows.items()}
    times = measure(steps, options.rounds)
    best = {}
    for (name, mode), values in times.items():
        best[name] = min(best.get(name, (math.inf,)), (statistics.median(values), mode, values))
    plain = best['alternating'][2]
    print(f'{options.framework} {version}, {options.rounds} rounds, threads: {options.threads}')
    for name, (median, mode, values) in best.items():
        print(f'{name:<34}{median:9.3f} ms{statistics.median(a / b for a, b in zip(values, plain)):7.2f}  {mode}')


if __name__ == '__main__':
    main()
