#!/usr/bin/env python3
"""Writes the corpora of the fuzzers, a few small valid files each: tests/fuzz/make_corpus.py. Those of recipe and metrics are by hand."""
import gzip
import json
import pathlib
import struct
import zipfile
import zlib

corpus = pathlib.Path(__file__).parent / "corpus"


def write(name, contents):
    path = corpus / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)


def packed(contents):
    return gzip.compress(contents, mtime=0)


def idx(*extents):
    count = 1
    for extent in extents:
        count *= extent
    return bytes([0, 0, 8, len(extents)]) + struct.pack(f">{len(extents)}I", *extents) + bytes(i % 2 for i in range(count))


def chunk(kind, contents):
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def png(width, height, color=0, depth=8, before=(), interlaced=0):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rows = b"".join(b"\0" + bytes(range(width * channels * depth // 8)) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
            + b"".join(chunk(*each) for each in before) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def npy(kind, shape, values, fortran=False):
    header = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    header += " " * (-(11 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values


def archive(files, method):
    path = corpus / "archive"
    with zipfile.ZipFile(path, "w", method) as target:
        for name, contents in files.items():
            information = zipfile.ZipInfo(name)
            information.compress_type = method
            target.writestr(information, contents)
    contents = path.read_bytes()
    path.unlink()
    return contents


def safetensors(arrays, metadata=None):
    """Arrays as name: (dtype, shape, bytes)."""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, values) in arrays.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def perceptrons(widths):
    """Of a generator and a discriminator, as float32."""
    arrays = {}
    for network, sizes in widths.items():
        for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            arrays[f"{network}.{2 * i}.weight"] = ("F32", [outputs, inputs], struct.pack("<f", 0.25) * inputs * outputs)
            arrays[f"{network}.{2 * i}.bias"] = ("F32", [outputs], struct.pack("<f", -0.5) * outputs)
    return arrays


def checkpoint(arrays, metadata):
    """As models/training/checkpoint.cpp makes it, with its CRC-32."""
    def text(value):
        return struct.pack("<Q", len(value)) + value
    summed = b"".join(text(key.encode()) + text(metadata[key].encode()) for key in sorted(metadata))
    for name, (_, shape, values) in arrays.items():
        summed += text(name.encode()) + b"".join(text(str(side).encode()) for side in shape) + values
    return safetensors(arrays, metadata | {"crc32": f"{zlib.crc32(summed):08x}"})


def folder(files, names):
    """What folder.hpp takes apart."""
    return b"".join(bytes([names.index(name)]) + struct.pack("<H", len(contents)) + contents for name, contents in files.items())


write("idx/images", idx(3, 2, 2))
write("idx/labels", idx(3))
write("idx/four-dimensions", idx(1, 2, 1, 2))
write("idx/none", idx(0, 28, 28))
write("idx/images.gz", packed(idx(3, 2, 2)))

write("gzip/one.gz", packed(b"what was packed"))
write("gzip/two.gz", packed(b"of two ") + packed(b"members"))
write("gzip/large.gz", packed(bytes(100_000)))

record = bytes([3]) + bytes(i // 32 % 256 for i in range(3072))
write("cifar/one.bin", record)
write("cifar/two.bin.gz", packed(record + bytes(3073)))

text = (b"tEXt", b"Software\0Duet 0.1.0")
write("png/grey.png", png(4, 3))
write("png/colour.png", png(2, 2, 2))
write("png/texts.png", png(2, 2, 0, before=[text]))
write("png/gamma.png", png(2, 2, 0, before=[(b"gAMA", struct.pack(">I", 45455))]))
write("png/palette.png", png(2, 2, 3, before=[(b"PLTE", bytes(12)), (b"tRNS", b"\0\1\2\3")]))
write("png/transparent.png", png(2, 2, 6))
write("png/interlaced.png", png(1, 1, interlaced=1))
write("png/deep.png", png(2, 2, 0, 16))
write("png_text/none.png", png(1, 1))
write("png_text/two.png", png(1, 1, before=[text, (b"tEXt", b"step\0" + b"200\n")]))
write("png_text/packed.png", png(1, 1, before=[(b"zTXt", b"a\0\0" + zlib.compress(b"b")), text]))

floats = struct.pack("<6f", *range(6))
arrays = {"float32.npy": npy("<f4", (2, 3), floats), "float64.npy": npy("<f8", (3,), struct.pack("<3d", 1, 2, 1e300)),
          "whole.npy": npy("<i8", (), struct.pack("<q", -5)), "fortran.npy": npy("<f4", (3, 2), floats, True),
          "empty.npy": npy("<f4", (0, 7), b"")}
for name, contents in arrays.items():
    write(f"npy/{name}", contents)
some = {"w.npy": arrays["float32.npy"], "b.npy": arrays["fortran.npy"], "__metadata__/recipe": b"batch = 2"}
for target in ("npz/{}.npz", "zip/{}.zip"):
    write(target.format("stored"), archive(some, zipfile.ZIP_STORED))
    write(target.format("deflated"), archive(some, zipfile.ZIP_DEFLATED))
    write(target.format("empty"), archive({}, zipfile.ZIP_STORED))

write("safetensors/empty.safetensors", safetensors({}))
write("safetensors/types.safetensors", safetensors(
    {"a": ("F32", [2, 3], floats), "b.c": ("F64", [], struct.pack("<d", 0.5)), "d": ("I64", [1], struct.pack("<q", 7)),
     "e": ("F32", [0, 4], b"")}, {"format": "pt", "recipe": "a = 1"}))

recipe = """model = "mlp"
batch = 4

[images]
height = 4
width = 4
channels = 1

[networks.generator]
widths = [2, 3, 16]

[networks.discriminator]
widths = [16, 3, 1]

[data]
path = "data"
"""
position = {"step": "7", "next_draw": "15", "next_batch": "14"}
weights = perceptrons({"generator": [2, 3, 16], "discriminator": [16, 3, 1]})
write("weights/recipe.safetensors", safetensors(weights, {"recipe": recipe} | position))
write("weights/plain.safetensors", safetensors(weights))
write("weights/entries.safetensors", safetensors(weights, {
    "model": "mlp", "generator_widths": "2-3-16", "discriminator_widths": "16-3-1", "image": "4-4", "latent": "2"}))
notes = {"format": "duet checkpoint", "schema": "1", "recipe": recipe, "fingerprint": "0123456789abcdef", "version": "0.1.0",
         "seconds": "1.25", "metrics": "0.5 nan 1e-3", "metrics_bytes": "321", "last_row": "7,0,1.2,0.5\n"} | position
write("weights/checkpoint.safetensors", checkpoint(weights | {"adam.rate": ("F32", [], struct.pack("<f", 2e-4))}, notes))
few = {"w": ("F32", [2, 3], floats), "rate": ("F32", [], struct.pack("<f", 2e-4))}
write("checkpoint/small.safetensors", checkpoint(few, notes))
write("checkpoint/best.safetensors", checkpoint(few, notes | {"best": "0.125", "metrics": ""}))
write("checkpoint/schema.safetensors", checkpoint(few, notes | {"schema": "2"}))

# The names of image_folder.cpp.
pictures = ["a.png", "b.PNG", "c.png", ".png", ".hidden", "Thumbs.db", "cat/a.png", "cat/b.png", "dog/a.png", "dog/.hidden",
            "dog/cat/a.png", "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "data_batch_1.bin",
            "data_batch_2.bin.gz", "data_batch_3.bin.gz", "data_batch_4.bin.gz", "data_batch_5.bin.gz", "test_batch.bin",
            "test_batch.bin.gz"]
write("image_folder/grey", folder({"a.png": png(2, 2), "b.PNG": png(2, 2), ".hidden": b"x"}, pictures))
write("image_folder/classes", folder({"cat/a.png": png(2, 2, 2), "cat/b.png": png(2, 2, 2), "dog/a.png": png(2, 2, 2)}, pictures))
write("image_folder/sizes", folder({"a.png": png(2, 2), "c.png": png(2, 3)}, pictures))
write("image_folder/stranger", folder({"a.png": png(1, 1), "Thumbs.db": b"x"}, pictures))
write("image_folder/nested", folder({"cat/a.png": png(1, 1), "dog/cat/a.png": png(1, 1)}, pictures))
write("image_folder/idx", folder({
    "train-images-idx3-ubyte": idx(2, 2, 2), "train-labels-idx1-ubyte": idx(2), "t10k-images-idx3-ubyte": idx(1, 2, 2)}, pictures))
write("image_folder/idx-packed", folder({
    "train-images-idx3-ubyte.gz": packed(idx(2, 2, 2)), "train-labels-idx1-ubyte.gz": packed(idx(2))}, pictures))
batch = packed(bytes(3073))
write("image_folder/cifar", folder({"data_batch_1.bin": record} | {f"data_batch_{i}.bin.gz": batch for i in range(2, 6)}
                                   | {"test_batch.bin.gz": batch}, pictures))

# The names of run.cpp.
of_run = ["run.json", "metrics.csv", "recipe.toml"]
running = json.dumps({"state": "running", "version": "0.1.0", "threads": 2}).encode()
finished = json.dumps({"state": "finished", "seconds": 1.5, "steps": 7, "started": "2026-11-25T12:00:00+00:00",
                       "sha256": {"state": "ab"}}, indent=4).encode()
metrics = b"step,epoch,seconds,generator_loss\n5,0.5,1.25,0.7\n7,1,2.5,nan\n"
write("run/running", folder({"run.json": running, "recipe.toml": recipe.encode()}, of_run))
write("run/finished", folder({"run.json": finished, "metrics.csv": metrics,
                              "recipe.toml": b"steps = 7\n" + recipe.encode() + b"[output]\nbest = \"generator_loss\"\n"}, of_run))
