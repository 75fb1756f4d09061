"""Reads what Duet writes with the libraries that others read it with, and compares values.

usage: check.py DUET WRITE_FILES SOURCE_DIR WORK_DIR

Trains every shipped model for a few steps in WORK_DIR, exports it, and runs it in onnxruntime on the latents that `duet
sample` drew from. Each line printed is one comparison with its largest difference; the last says how many there were. Exits 1
at the first that fails.
"""

import contextlib
import gzip
import io
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import safetensors.numpy
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

TOLERANCE = 1e-5
duet, write_files, source, work = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
checks = 0


def check(name, holds, detail=""):
    global checks
    checks += 1
    print(f"{'ok' if holds else 'FAILED'}  {name}{'  ' + detail if detail else ''}", flush=True)
    if not holds:
        sys.exit(1)


def run(*arguments):
    outcome = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True)
    if outcome.returncode != 0:
        print(f"FAILED  {' '.join(map(str, arguments))}: exit code {outcome.returncode}\n{outcome.stdout}{outcome.stderr}")
        sys.exit(1)


def onnx_session(path):
    """The model in onnxruntime, without its optimisations and with one thread, once onnx's checker has accepted it."""
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(str(path))
    assert model.ir_version == 8 and [entry.version for entry in model.opset_import] == [13]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def largest_difference(expected, got):
    """Relative where values are above 1."""
    if expected.shape != got.shape:
        return float("inf")
    return float(np.max(np.abs(expected - got) / np.maximum(1.0, np.abs(expected)), initial=0.0))


def compare(name, path, feeds, expected):
    got = onnx_session(path).run(None, feeds)[0]
    difference = largest_difference(expected, got)
    detail = f"shape {got.shape}, {expected.mean():.2f} +- {expected.std():.2f}, largest difference {difference:.1e}"
    check(name, difference <= TOLERANCE and expected.std() > 0.01, detail)


def write_mnist_of_32(folder):
    """The first digits with a black border, for networks of 32x32 images."""
    folder.mkdir()
    for name, header in (("train-images-idx3-ubyte", 16), ("train-labels-idx1-ubyte", 8)):
        data = gzip.open(next((source / "data/mnist").glob(name + "*"))).read()
        count = 500
        if header == 16:
            digits = np.frombuffer(data[16:], np.uint8).reshape(-1, 28, 28)[:count]
            data = struct.pack(">4i", 0x803, count, 32, 32) + np.pad(digits, ((0, 0), (2, 2), (2, 2))).tobytes()
        else:
            data = struct.pack(">2i", 0x801, count) + data[8 : 8 + count]
        (folder / name).write_bytes(data)


def write_colours(folder):
    """32x32 pictures of noise in two classes."""
    random = np.random.default_rng(0)
    for label in ("first", "second"):
        (folder / label).mkdir(parents=True)
        for i in range(40):
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i}.png")


def train_all():
    """A run's folder for each model; every width is small."""
    mnist = source / "data/mnist"
    write_mnist_of_32(work / "mnist32")
    write_colours(work / "colours")
    narrow = ["--generator-widths", "16-8-6", "--discriminator-widths", "4-6"]
    models = {
        "mlp": ["--model", "mlp", "--data", mnist],
        "article": ["--preset", "article", "--data", mnist],
        "dcgan": ["--model", "dcgan", "--data", mnist, *narrow],
        "dcgan-colour": ["--model", "dcgan", "--data", work / "colours"],
        "resnet": ["--model", "resnet", "--data", work / "mnist32"],
        "resnet-classes": ["--model", "resnet", "--data", work / "colours", "--classes", "data"],
        "cgan": ["--model", "cgan", "--data", mnist, *narrow],
        "wgan-gp": ["--preset", "wgan-gp", "--data", mnist, *narrow],
    }
    for name, arguments in models.items():
        if name == "dcgan-colour":
            arguments += ["--generator-widths", "16-8-6-4", "--discriminator-widths", "4-6-8"]
        if name.startswith("resnet"):
            arguments += ["--generator-widths", "16-8-8-8-8", "--discriminator-widths", "8-8-8-8"]
        run(duet, "train", *arguments, "--batch", 16, "--steps", 20, "--out", work / name)
        stir(work / name / "weights.safetensors")
    return list(models)


def stir(path):
    """Weights of a long training: every array is moved, running statistics too, so that images and scores differ."""
    random = np.random.default_rng(1)
    with safetensors.safe_open(path, "numpy") as file:
        arrays, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()
    for key, value in arrays.items():
        moved = random.normal(size=value.shape)
        if key.endswith("running_var"):
            value = value * np.exp(0.3 * moved)
        elif value.ndim > 1:
            value = value + moved * np.sqrt(0.5 / value[0].size)
        else:
            value = value + 0.2 * moved
        arrays[key] = value.astype(np.float32)
    safetensors.numpy.save_file(arrays, path, metadata=metadata)


def check_generator(name):
    images, latents, model = work / f"{name}.images.npy", work / f"{name}.latents.npy", work / f"{name}.onnx"
    weights = work / name / "weights.safetensors"
    run(duet, "export", work / name, "--out", model)
    session = onnx_session(model)
    conditional = [entry.name for entry in session.get_inputs()] == ["latent", "labels"]
    chosen = ["--class", 1] if conditional else []
    run(duet, "sample", "--weights", weights, "--count", 70, "--seed", 5, "--out", images, "--latents", latents, *chosen)
    feeds = {"latent": np.load(latents)}
    if conditional:
        feeds["labels"] = np.ones(70, np.float32)
    expected = np.load(images)
    expected = expected[:, None] if expected.ndim == 3 else expected
    check(f"{name}: any batch", session.get_inputs()[0].shape[0] == "batch" and session.get_outputs()[0].shape[0] == "batch")
    compare(f"{name}: generator", model, feeds, expected)
    run(duet, "export", work / name, "--out", model, "--batch", 7)
    check(f"{name}: batch of 7", onnx_session(model).get_inputs()[0].shape[0] == 7)
    compare(f"{name}: generator, batch of 7", model, {key: value[:7] for key, value in feeds.items()}, expected[:7])
    recipe = {entry.key: entry.value for entry in onnx.load(str(model)).metadata_props}["recipe"]
    check(f"{name}: the recipe is in the model", "[networks" in recipe)


def check_discriminator(name):
    stem, model = work / f"{name}.discriminator", work / f"{name}.discriminator.onnx"
    run(duet, "export", work / f"{name}.safetensors", "--network", "discriminator", "--out", model)
    feeds = {"images": np.load(f"{stem}.images.npy")}
    if Path(f"{stem}.labels.npy").exists():
        feeds["labels"] = np.load(f"{stem}.labels.npy")
    compare(f"{name}: discriminator", model, feeds, np.load(f"{stem}.scores.npy"))


def same_arrays(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) and a[key].dtype == b[key].dtype for key in a)


def check_arrays(name):
    """safetensors and npz, both ways."""
    weights, archive, back = work / name / "weights.safetensors", work / f"{name}.npz", work / f"{name}.back.safetensors"
    arrays = safetensors.numpy.load_file(weights)
    run(duet, "export", work / name, "--out", archive)
    members = dict(np.load(archive))
    recipe = members["__metadata__/recipe"]
    members = {name: values for name, values in members.items() if not name.startswith("__metadata__/")}
    check(f"{name}: npz read by numpy", same_arrays(members, arrays), f"{len(arrays)} arrays")
    with safetensors.safe_open(weights, "numpy") as file:
        check(f"{name}: the recipe in both", recipe.decode() == file.metadata()["recipe"])
    run(duet, "export", archive, "--out", back)
    check(f"{name}: through npz and back", same_arrays(safetensors.numpy.load_file(back), arrays))
    run(duet, "export", back, "--out", archive)
    run(duet, "export", archive, "--out", work / "again.safetensors")
    check(f"{name}: and again, every byte", back.read_bytes() == (work / "again.safetensors").read_bytes())

    # As numpy writes it: deflated, in doubles, column-major; with what PyTorch counts; the recipe put in by zipfile.
    other, images, again = work / f"{name}.numpy.npz", work / f"{name}.1.npy", work / f"{name}.2.npy"
    written = {key: np.asfortranarray(value.astype(np.float64)) for key, value in arrays.items()}
    written["generator.99.num_batches_tracked"] = np.array(7)
    np.savez_compressed(other, **written)
    with zipfile.ZipFile(other, "a") as file:
        file.writestr("__metadata__/recipe", recipe)
    run(duet, "sample", "--weights", other, "--count", 8, "--out", again)
    run(duet, "sample", "--weights", weights, "--count", 8, "--out", images)
    check(f"{name}: npz of numpy draws the same images", np.array_equal(np.load(images), np.load(again)))
    run(duet, "train", "--data", data_of(name), "--init", other, "--batch", 8, "--steps", 1, "--out", work / f"{name}.init")
    trained = safetensors.numpy.load_file(work / f"{name}.init" / "weights.safetensors")
    check(f"{name}: npz of numpy starts a training", trained.keys() == arrays.keys())
    mine = work / f"{name}.written.safetensors"
    with safetensors.safe_open(weights, "numpy") as file:
        safetensors.numpy.save_file(arrays, mine, metadata=file.metadata())
    run(duet, "sample", "--weights", mine, "--count", 8, "--out", again)
    check(f"{name}: safetensors of its own package draws the same images", np.array_equal(np.load(images), np.load(again)))


def data_of(name):
    if name in ("dcgan-colour", "resnet-classes"):
        return work / "colours"
    return work / "mnist32" if name == "resnet" else source / "data/mnist"


def check_ops():
    worst, count = 0.0, 0
    for line in (work / "ops/names.txt").read_text().splitlines():
        number, name = line.split(" ", 1)
        session = onnx_session(work / f"ops/{number}.onnx")
        feeds = {entry.name: np.load(work / f"ops/{number}.{entry.name}.npy") for entry in session.get_inputs()}
        difference = largest_difference(np.load(work / f"ops/{number}.y.npy"), session.run(None, feeds)[0])
        if difference > TOLERANCE:
            check(f"op case {name}", False, f"largest difference {difference:.1e}")
        worst, count = max(worst, difference), count + 1
    check(f"{count} op cases", count > 100, f"largest difference {worst:.1e}")
    refused = (work / "ops/refused.txt").read_text().splitlines()
    classes = {line.split(",")[0] for line in refused if "cannot be written as ONNX" in line}
    expected = {"ScatterAdd", "RandomNormal", "RandomUniform", "SumUnpool", "AddAt", "Conv2dWeightGradient", "Shift2d"}
    check(f"{len(refused)} op cases of gradients, random draws and shifts have no mapping", classes == expected, ", ".join(sorted(classes)))


def check_events():
    """The steps after the one that the second file goes on from are the second file's."""
    events = event_accumulator.EventAccumulator(str(work / "events"), size_guidance={event_accumulator.IMAGES: 0})
    with contextlib.redirect_stderr(io.StringIO()):
        events.Reload()
    steps = [10, 20, 30, 40, 50, 60]
    check("events: tags", sorted(events.Tags()["scalars"]) == ["discriminator_loss", "generator_loss"] and events.Tags()["images"] == ["samples"])
    values = [(event.step, event.value) for event in events.Scalars("generator_loss")]
    check("events: scalars, the resumed steps replaced", values == [(step, float(step if step <= 40 else -step)) for step in steps], str(values))
    values = [event.value for event in events.Scalars("discriminator_loss")]
    check("events: values", np.allclose(values, [1 / step for step in steps], rtol=1e-7))
    images = events.Images("samples")
    check("events: pictures' steps", [event.step for event in images] == steps)
    for event in images:
        picture = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
        if (event.width, event.height) != (3, 2) or picture.shape != (2, 3, 3) or not np.all(picture == event.step):
            check("events: a picture's pixels", False, str(event.step))
    check("events: pictures' pixels", True)
    plugins = plugin_event_accumulator.EventAccumulator(str(work / "events"))
    plugins.Reload()
    tensors = [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in plugins.Tensors("generator_loss")]
    check("events: as the server reads them", tensors == [(step, float(step if step <= 40 else -step)) for step in steps])


def main():
    names = train_all()
    weights = []
    for name in names:
        weights.append(work / f"{name}.safetensors")
        weights[-1].write_bytes((work / name / "weights.safetensors").read_bytes())
    run(write_files, work, source / "data/mnist", *weights)
    for name in names:
        check_generator(name)
        check_discriminator(name)
    for name in names:
        check_arrays(name)
    compare("classifier", work / "classifier.onnx", {"images": np.load(work / "classifier.images.npy")}, np.load(work / "classifier.logits.npy"))
    check_ops()
    check_events()
    print(f"{checks} checks passed")


main()
