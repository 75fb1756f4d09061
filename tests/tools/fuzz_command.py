#!/usr/bin/env python3
"""Throws random command lines and recipes at `duet train`: tests/tools/fuzz_command.py build/tools/duet --seconds 600 --seed 1

Each must end within 20 seconds, with exit code 0, or with 2, one error line and nothing written (1 only for
lack of memory or values that are not finite). What is accepted must stand in the printed recipe, and a printed
recipe must print itself again. Short trainings run too, and again from their recipe.toml: the same weights.
Faults are printed with the command that shows them; the exit code is 1 if there are any.
"""

import argparse
import hashlib
import json
import os
import random
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import tomllib

MOST_SECONDS = 20
MOST_STEPS = 10**12
FLAGS = {
    "--model": "model", "--steps": "steps", "--epochs": "epochs", "--batch": "batch", "--seed": "seed",
    "--loss": "loss.kind", "--schedule": "schedule.kind", "--discriminator-steps": "schedule.discriminator_steps",
    "--penalty": "penalties", "--penalty-weight": "penalties.0.weight", "--rate": "optimizers.*.rate",
    "--beta1": "optimizers.*.beta1", "--beta2": "optimizers.*.beta2", "--epsilon": "optimizers.*.epsilon",
    "--generator-widths": "networks.generator.widths", "--discriminator-widths": "networks.discriminator.widths",
    "--classes": "images.classes", "--sample-every": "output.sample_every", "--log-every": "output.log_every",
}
WORDS = ("mlp dcgan resnet cgan article wgan-gp non-saturating minimax wasserstein documented alternating r1 gp "
         "none adam sgd rms-prop unit symmetric flat maps data batch constant step-decay exponential-decay "
         "cosine-decay linear-warmup mlp-generator dcgan-generator dcgan-discriminator layers dense relu").split()
NUMBERS = ("0 1 2 3 4 8 64 -1 0.5 1e-4 .5 5. 1e999 -0.0 5e-324 1e308 99999999999999999999 9223372036854775807 "
           "9223372036854775808 -9223372036854775808 0x10 0b11 1_000 007 +3 nan inf 1e3 3.0").split()
ODD = ["", " ", "=", ".", "..", "true", "false", "[]", "{}", "[1, 2]", "{kind = \"x\"}", "{kind = \"\"}", "\"\"", "''",
       "\"a", "é", "日本", "\U0001f600", "a\nb", "\t", "%s", "-", "--", "[[", "1979-05-27", "\"\\u0000\"", "#", "x # y",
       "100-128-64", "64-1", "3-64", "4-16-64", "64-16-1", "100--64", "a" * 5000, "9" * 400, "[" * 300, "\x7f", "{a",
       "[1, \"a\"]", "[[1]]", "[{kind = \"gp\"}]", "[{kind = \"r1\", weight = 2.5, every = 3}]", "\\", "\"\\\""]
PATHS = [p.replace("*", "generator") for p in FLAGS.values()] + [
    "schema", "images.range", "images.form", "images.height", "images.channels", "networks", "loss", "optimizers",
    "networks.generator.kind", "networks.discriminator.kind", "networks.discriminator.normalization",
    "optimizers.generator", "optimizers.discriminator.kind", "optimizers.generator.kind",
    "optimizers.generator.momentum", "optimizers.generator.nesterov", "optimizers.generator.schedule",
    "optimizers.generator.schedule.kind", "optimizers.generator.schedule.steps", "optimizers.generator.schedule.last",
    "optimizers.discriminator.schedule.then.kind", "optimizers.discriminator.schedule.factor", "penalties.0",
    "penalties.0.kind", "penalties.0.every", "penalties.1.weight", "data.sha256", "data.path", "output", "schedule",
    "networks.generator.layers", "networks.generator.inputs", "networks.generator.widths.0", "kind", "images.kind", "a.b"]
USUAL = [  # what is right, to start from
    ["--model", "mlp"], ["--model", "dcgan"], ["--model", "cgan"], ["--preset", "wgan-gp"], ["--preset", "article"],
    ["--loss", "minimax"], ["--loss", "wasserstein"], ["--penalty", "gp"], ["--penalty", "none"],
    ["--penalty-weight", "2.5"], ["--rate", "1e-3"], ["--beta1", "0.25"], ["--beta2", "0.9"], ["--epsilon", "1e-6"],
    ["--batch", "3"], ["--seed", "7"], ["--steps", "2"], ["--epochs", "2"], ["--schedule", "alternating"],
    ["--discriminator-steps", "2"], ["--generator-widths", "3-5-64"], ["--discriminator-widths", "64-5-1"],
    ["--classes", "2"], ["--classes", "data"], ["--sample-every", "1"], ["--log-every", "1"],
    ["--set", "optimizers.generator.kind=sgd"], ["--set", "optimizers.generator.momentum=0.5"],
    ["--set", "optimizers.discriminator.kind=rms-prop"], ["--set", "images.range=symmetric"],
    ["--set", "optimizers.generator.schedule.kind=cosine-decay"], ["--set", "networks.generator.widths=[2, 64]"],
    ["--set", "optimizers.generator.schedule={kind = \"linear-warmup\", steps = 3, then = {kind = \"step-decay\"}}"],
    ["--set", "penalties=[{kind = \"r1\", every = 2}, {kind = \"gp\"}]"], ["--set", "penalties.0.every=2"],
    ["--set", "networks.discriminator={kind = \"layers\", layers = [{kind = \"dense\", inputs = 64, outputs = 1}]}"],
    ["--set", "networks.discriminator.normalization=none"]]


class Fault(Exception):
    pass


def write_images(folder, channels_classes):
    os.makedirs(folder)
    count, classes = 8, channels_classes
    pixels = bytes((i * 37 + j * 11) % 256 for i in range(count) for j in range(64))
    with open(os.path.join(folder, "train-images-idx3-ubyte"), "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, 8, 8) + pixels)
    if classes:
        with open(os.path.join(folder, "train-labels-idx1-ubyte"), "wb") as file:
            file.write(struct.pack(">II", 0x801, count) + bytes(i % classes for i in range(count)))


def at(tree, path):
    for part in path.split("."):
        if isinstance(tree, list):
            if not part.isdigit() or int(part) >= len(tree):
                return None
            tree = tree[int(part)]
        elif isinstance(tree, dict):
            if part not in tree:
                return None
            tree = tree[part]
        else:
            return None
    return tree


def stands(given, there):
    if isinstance(given, dict):
        return isinstance(there, dict) and all(k in there and stands(v, there[k]) for k, v in given.items())
    if isinstance(given, list):
        return isinstance(there, list) and len(given) == len(there) and all(map(stands, given, there))
    return type(given) is type(there) and given == there


def value_of(text):
    """As --set reads a value."""
    try:
        document = tomllib.loads("value = " + text)
        value = document["value"]
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return float(value)
        if list(document) == ["value"]:
            return value
    except (tomllib.TOMLDecodeError, RecursionError):
        pass
    try:
        return float(text) if not set(text) & set("_xXnN \t\n+") else text
    except ValueError:
        return text


def given_by(arguments):
    """Pairs of a path and its value, flags before --set, each the last of its path."""
    flags, sets = {}, []
    i = 0
    while i < len(arguments):
        name, equals, value = arguments[i].partition("=")
        if name not in FLAGS and name != "--set":
            i += 1
            continue
        if not equals:
            i += 1
            value = arguments[i] if i < len(arguments) else ""
        i += 1
        if name == "--set":
            path, _, text = value.partition("=")
            sets.append((path, value_of(text)))
            continue
        if name == "--penalty":
            meant = [] if value == "none" else [{"kind": value}]
        elif name.endswith("-widths"):
            meant = [int(part) for part in value.split("-")] if value.replace("-", "").isdigit() else value
        elif name in ("--model", "--loss", "--schedule"):
            meant = value
        else:
            meant = value_of(value)
        flags[name] = meant
    pairs = []
    for name, meant in flags.items():
        for network in ("generator", "discriminator") if "*" in FLAGS[name] else ("",):
            pairs.append((FLAGS[name].replace("*", network), meant))
    return pairs + sets


class Fuzzer:
    def __init__(self, program, seed, folder):
        self.program, self.random, self.folder = program, random.Random(seed), folder
        self.counts = {"printed": 0, "refused": 0, "trained": 0, "failed": 0, "noted": 0}
        self.reasons = {}
        self.data = {}
        for name, classes in (("labelled", 2), ("plain", 0)):
            self.data[name] = os.path.join(folder, name)
            write_images(self.data[name], classes)

    def entries(self):
        return sorted(os.path.join(base, name) for base, folders, files in os.walk(self.folder)
                      for name in folders + files)

    def run(self, arguments):
        process = subprocess.Popen([self.program] + arguments, cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = process.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Fault(f"still runs after {MOST_SECONDS} seconds")
        return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def checked(self, arguments):
        """Runs it and checks how it ends; what it printed, or nothing if it was refused."""
        before = self.entries()
        code, out, err = self.run(arguments)
        if code < 0:
            raise Fault(f"signal {-code}: {err[-1500:]}")
        lines = [line for line in err.split("\n") if line]
        told = [line for line in lines if line.startswith(("duet: note: ", "duet: warning: "))]
        if code == 0:
            return out, told
        errors = [line for line in lines if line.startswith("duet: error: ")]
        progress = [line for line in lines if line not in errors and line not in told]
        if code == 1:
            if not any(word in err for word in ("memory", "not finite", "finite", "cannot create thread")):
                raise Fault(f"exit code 1: {err[-1500:]}")
            self.counts["failed"] += 1
            return None, told
        if code != 2:
            raise Fault(f"exit code {code}: {err[-1500:]}")
        if len(errors) != 1 or progress or not err.endswith(errors[0] + "\n"):
            raise Fault(f"not one error line at the end: {err[-1500:]!r}")
        if len(errors[0]) > 2000 or any(ord(letter) < 32 or ord(letter) == 127 for letter in errors[0]):
            raise Fault(f"an error line that no one can read: {errors[0][:300]!r}")
        if out:
            raise Fault(f"refused, but printed {out[:300]!r}")
        if self.entries() != before:
            raise Fault(f"refused, but left {set(self.entries()) ^ set(before)}")
        self.counts["refused"] += 1
        reason = " ".join(word for word in errors[0].split()[2:9] if word.isalpha())
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        return None, told

    # What is thrown.

    def odd(self):
        return self.random.choice(self.random.choice((WORDS, NUMBERS, NUMBERS, ODD)))

    def mutated(self, text):
        letters = list(text)
        for _ in range(self.random.randint(1, 3)):
            place = self.random.randint(0, len(letters))
            kind = self.random.randint(0, 3)
            if kind == 0 and letters:
                del letters[min(place, len(letters) - 1)]
            elif kind == 1:
                letters.insert(place, self.random.choice("=.-[]{}\"'#,\n 0123456789eaé_\\\t"))
            elif kind == 2 and letters:
                cut = self.random.randint(0, len(letters))
                letters = letters[:place] + letters[cut:]
            else:
                letters[place:place] = list(self.odd()[:50])
        return "".join(letters)

    def options(self, most):
        words = []
        wild = self.random.random() < 0.6
        for _ in range(self.random.randint(0, most)):
            kind = self.random.random() if wild else 0
            if kind < 0.6:
                words += self.random.choice(USUAL)
            elif kind < 0.75:
                words += [self.random.choice(list(FLAGS)), self.odd()]
            elif kind < 0.88:
                words += ["--set", self.random.choice(PATHS) + "=" + self.odd()]
            elif kind < 0.96:
                name, value = self.random.choice(USUAL)
                words += [name, self.mutated(value)]
            elif kind < 0.98:
                words.append(self.random.choice(list(FLAGS)) + "=" + self.odd())
            else:
                words.append(self.mutated(self.random.choice(list(FLAGS) + ["--set", "--print-recipe", "--preset"])))
        return [word.replace("\0", "") for word in words]

    def recipe_file(self, seeds):
        text = self.random.choice(seeds)
        lines = text.split("\n")
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            place = self.random.randrange(len(lines))
            kind = self.random.random()
            if kind < 0.2:
                del lines[place]
            elif kind < 0.35:
                lines.insert(place, lines[self.random.randrange(len(lines))] if lines else "")
            elif kind < 0.6:
                lines[place] = self.mutated(lines[place])
            elif kind < 0.9 and "=" in lines[place]:
                lines[place] = lines[place].split("=")[0] + "= " + self.random.choice((self.odd(), f'"{self.odd()}"'))
            else:
                lines.insert(place, self.random.choice(PATHS) + " = " + self.odd())
            if not lines:
                lines = [""]
        path = os.path.join(self.folder, "given.toml")
        content = "\n".join(lines).encode("utf-8", "surrogatepass")
        if self.random.random() < 0.05:
            content = bytearray(content)
            for _ in range(3):
                if content:
                    content[self.random.randrange(len(content))] = self.random.randrange(256)
        with open(path, "wb") as file:
            file.write(bytes(content))
        return path

    # What must hold.

    def check_in_effect(self, arguments, file, recipe, told):
        pairs = given_by(arguments)
        paths = [path for path, _ in pairs]
        for i, (path, value) in enumerate(pairs):
            if any(line.split(" gives for ")[-1].startswith(path + " ") for line in told if " gives for " in line):
                continue
            if path in paths[i + 1:] and "*" not in path:
                if pairs[len(paths) - 1 - paths[::-1].index(path)][1] != value and "penalties" not in path:
                    raise Fault(f"{path} was given twice, and no note says so")
                continue
            self.check_value(path, value, recipe)
        if file is None:
            return
        overruled = set(paths)

        def leaves(tree, path):
            for key, value in tree.items():
                here = f"{path}.{key}" if path else key
                if any(here == other or other.startswith(here + ".") or here.startswith(other + ".")
                       for other in overruled if other.rpartition(".")[2] != "kind"):
                    continue
                if any(other.endswith(".kind") and here.startswith(other[:-4]) for other in overruled):
                    continue
                if isinstance(value, dict):
                    leaves(value, here)
                else:
                    self.check_value(here, value, recipe)

        if "epochs" in overruled or "steps" in overruled:
            overruled |= {"epochs", "steps"}
        leaves(file, "")

    def check_value(self, path, value, recipe):
        if path == "epochs":
            if not 1 <= at(recipe, "steps") <= MOST_STEPS:
                raise Fault("epochs are no steps")
            return
        there = at(recipe, path)
        if (path, value) == ("images.classes", "data") and isinstance(there, int):
            return
        if path == "output.sample_every" and value == 0:
            return
        if path == "data.path" or (path == "data" and isinstance(value, dict)):
            return
        if path == "output" and isinstance(value, dict) and value.get("sample_every") == 0:
            return
        if path == "images" and isinstance(value, dict) and value.get("classes") == "data":
            return
        if not stands(value, there):
            raise Fault(f"accepted, but not in effect: {path} = {value!r}, the recipe has {there!r}")

    def printed(self, seeds):
        arguments = ["train", "--data", self.data[self.random.choice(("labelled", "labelled", "plain"))],
                     "--print-recipe"]
        file = None
        if self.random.random() < 0.45:
            path = self.recipe_file(seeds)
            arguments.append(path)
        arguments += self.options(5)
        self.last = arguments
        out, told = self.checked(arguments)
        self.counts["noted"] += bool(told)
        if out is None:
            return
        if not out.startswith("schema"):
            if "--help" in out or "Usage" in out or "duet" in out[:20]:
                return
            raise Fault(f"no recipe: {out[:200]!r}")
        self.counts["printed"] += 1
        recipe = tomllib.loads(out)
        if arguments[-1:] != [] and len(arguments) > 4 and arguments[4].endswith("given.toml"):
            with open(arguments[4], "rb") as opened:
                try:
                    file = tomllib.loads(opened.read().decode())
                except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                    raise Fault(f"accepted what is no TOML: {error}")
        self.check_in_effect(arguments, file, recipe, told)
        again = os.path.join(self.folder, "again.toml")
        with open(again, "w", encoding="utf-8") as opened:
            opened.write(out)
        second, _ = self.checked(["train", again, "--print-recipe"])
        if second is None or tomllib.loads(second) != recipe:
            raise Fault("a printed recipe does not print itself again")

    def trained(self, seeds):
        run, again = os.path.join(self.folder, "run"), os.path.join(self.folder, "run-again")
        arguments = ["train", "--data", self.data["labelled"], "--out", run, "--threads", "1"]
        if self.random.random() < 0.3:
            arguments.insert(1, self.recipe_file(seeds))
        arguments += self.options(4)
        # What is long or large by right is no fault: short, small and with the size that was drawn below it.
        arguments += ["--set", "steps=2", "--set", "batch=4"]
        if not any("dcgan" in word or "cgan" in word or "wgan" in word or "resnet" in word for word in arguments):
            arguments += ["--set", "seed=3"]
        self.last = arguments
        try:
            printed, _ = self.checked(arguments[:1] + ["--print-recipe"] + arguments[1:])
            if printed is None:
                return
            large = [n for n in numbers_in(tomllib.loads(printed).get("networks", {})) if n > 600]
            many = at(tomllib.loads(printed), "schedule.discriminator_steps") or 1
            if large or many > 20:
                return
            self.last = arguments
            out, _ = self.checked(arguments)
            if out is None:
                return
            self.counts["trained"] += 1
            out, _ = self.checked(["train", os.path.join(run, "recipe.toml"), "--out", again])
            if out is None:
                raise Fault("a run's recipe.toml is refused")
            weights = [hash_of(os.path.join(folder, "weights.safetensors")) for folder in (run, again)]
            if weights[0] != weights[1]:
                raise Fault("a run again from its recipe.toml has other weights")
        finally:
            shutil.rmtree(run, ignore_errors=True)
            shutil.rmtree(again, ignore_errors=True)


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def numbers_in(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list):
        return [number for each in tree for number in numbers_in(each)]
    return [tree] if isinstance(tree, (int, float)) else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("duet")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.duet)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    presets = os.path.join(root, "models", "presets")
    files = [os.path.join(presets, name) for name in sorted(os.listdir(presets)) if name.endswith(".toml")]
    files.append(os.path.join(root, "tests", "models", "corpus-recipe", "layers.toml"))
    seeds = [open(name, encoding="utf-8").read() for name in files]
    seen, commands = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(program, arguments.seed, folder)
        end = time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            commands += 1
            train = fuzzer.random.random() < 0.12
            try:
                fuzzer.trained(seeds) if train else fuzzer.printed(seeds)
            except Fault as fault:
                what = str(fault)
                key = what[:60]
                seen[key] = seen.get(key, 0) + 1
                if seen[key] > 3:
                    continue
                print(f"FAULT {what}\n  {shlex.join([program] + fuzzer.last)}", flush=True)
                given = os.path.join(folder, "given.toml")
                if given in fuzzer.last:
                    print("  given.toml: " + json.dumps(open(given, "rb").read().decode("utf-8", "replace")))
    print(f"{commands} commands, {fuzzer.counts}; {len(fuzzer.reasons)} kinds of refusals; "
          f"{sum(seen.values())} faults")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
