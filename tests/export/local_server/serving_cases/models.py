"""Small SavedModels for the cases.

`python -m tests.export.local_server.serving_cases.models FOLDER` writes them:

FOLDER/gen/1 and 2   latent [N, 64] and pose [N, 32, 32, 4] to a picture, raw or as PNG
FOLDER/staged/3      a version to be moved into gen while a server runs
FOLDER/bat/1         latent [N, 64] to a picture, and a run that lasts as long as a file is there
FOLDER/odd/1         one signature for each kind of graph that servers treat differently
FOLDER/python/1, FOLDER/numpy/1   graphs that call Python, which no C++ server can
FOLDER/keras_save/1, FOLDER/keras_export/1   a Keras model by its two ways out

Every pixel of `gen` is `tanh(latent @ weights) * pose + version`, so an answer tells which
version gave it, and whether it belongs to the question.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

LATENT_SIZE = 64
FLOATS_64 = tf.TensorSpec([None, LATENT_SIZE], tf.float32, "latent")
POSE = tf.TensorSpec([None, 32, 32, 4], tf.float32, "pose")
SMALL = tf.TensorSpec([None, 8, 8, 3], tf.float32, "pose")
GATE = tf.TensorSpec([None], tf.string, "gate")


def weights_of(version):
    """[64, 3] float32: the weights of a version of `gen`."""
    return np.random.default_rng(version).normal(size=(LATENT_SIZE, 3)).astype(np.float32)


class Gen(tf.Module):
    """A picture from a latent and a pose; `version` is added to each pixel."""

    def __init__(self, version):
        super().__init__()
        self.weights = tf.Variable(weights_of(version))
        self.version = tf.Variable(float(version))

    @tf.function(input_signature=[FLOATS_64, POSE])
    def serve(self, latent, pose):
        colour = tf.tanh(latent @ self.weights)
        return {"images": colour[:, None, None, :] * pose[..., :3] + self.version}

    @tf.function(input_signature=[FLOATS_64, POSE])
    def serve_png(self, latent, pose):
        images = self.serve(latent, pose)["images"]
        pixels = tf.cast(tf.clip_by_value(images * 127.5 + 127.5, 0, 255), tf.uint8)
        return {"png_bytes": tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.string)}


class Bat(tf.Module):
    """A picture from a latent alone, with the number of rows that the graph saw."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(tf.random.stateless_normal([LATENT_SIZE, 192], seed=[7, 0]))

    @tf.function(input_signature=[FLOATS_64])
    def serve(self, latent):
        rows = tf.shape(latent)[0]
        images = tf.reshape(latent @ self.weights, [-1, 8, 8, 3])
        return {"images": images, "rows": tf.fill([rows], rows)}

    @tf.function(input_signature=[FLOATS_64, GATE])
    def held(self, latent, gate):
        """Runs for as long as the first row's file is there."""
        pattern = gate[0]
        turns = tf.while_loop(
            lambda turn: tf.size(tf.io.matching_files(pattern)) > 0,
            lambda turn: [turn + 1],
            [tf.constant(0, tf.int64)],
        )
        rows = tf.shape(latent)[0] + tf.cast(turns[0] * 0, tf.int32)
        return {"rows": tf.fill([tf.shape(latent)[0]], rows)}


class Odd(tf.Module):
    """Loops, random numbers, tables, XLA, half precision, and a step of any length."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(2.0)
        self.generator = tf.random.Generator.from_seed(1)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer([0, 1], [10.0, 20.0]), default_value=-1.0
        )

    @tf.function(input_signature=[SMALL])
    def loop(self, pose):
        _, images = tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, x * 2), [0, pose])
        return {"images": images}

    @tf.function(input_signature=[SMALL])
    def noise(self, pose):
        return {"images": pose + tf.random.normal(tf.shape(pose))}

    @tf.function(input_signature=[SMALL])
    def seeded_noise(self, pose):
        return {"images": pose + tf.random.stateless_normal(tf.shape(pose), [1, 2])}

    @tf.function(input_signature=[SMALL])
    def generator_noise(self, pose):
        return {"images": pose + self.generator.normal(tf.shape(pose))}

    @tf.function(input_signature=[SMALL])
    def bfloat16(self, pose):
        return {"images": tf.cast(pose, tf.bfloat16)}

    @tf.function(input_signature=[SMALL])
    def float16(self, pose):
        return {"images": tf.cast(pose, tf.float16)}

    @tf.function(input_signature=[SMALL])
    def lookup(self, pose):
        return {"images": pose * self.table.lookup(tf.constant(1))}

    @tf.function(input_signature=[SMALL], jit_compile=True)
    def xla(self, pose):
        return {"images": pose * self.scale}

    @tf.function(input_signature=[SMALL])
    def mean(self, pose):
        return {"mean": tf.reduce_mean(pose)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "steps")])
    def slow(self, steps):
        matrix = tf.fill([128, 128], 0.01)

        def body(i, x):
            return i + 1, tf.tanh(x @ matrix)

        last = tf.while_loop(
            lambda i, _: i < tf.reduce_max(steps), body, [tf.constant(0, tf.int64), matrix]
        )[1]
        return {"done": tf.cast(steps, tf.float32) + 0 * tf.reduce_mean(last)}


class CallsPython(tf.Module):
    """A graph with a py_function in it."""

    @tf.function(input_signature=[SMALL])
    def serve(self, pose):
        images = tf.py_function(lambda x: x * 2, [pose], tf.float32)
        images.set_shape(SMALL.shape)
        return {"images": images}


class CallsNumpy(tf.Module):
    """A graph with a numpy_function in it."""

    @tf.function(input_signature=[SMALL])
    def serve(self, pose):
        images = tf.numpy_function(lambda x: x * 2, [pose], tf.float32)
        images.set_shape(SMALL.shape)
        return {"images": images}


def save_gen(version, folder):
    """Writes a version of `gen`."""
    gen = Gen(version)
    tf.saved_model.save(
        gen, str(folder), signatures={"serving_default": gen.serve, "png": gen.serve_png}
    )


def save_bat(folder):
    """Writes version 1 of `bat` under `folder/bat`; returns that path."""
    bat = Bat()
    signatures = {"serving_default": bat.serve, "held": bat.held}
    tf.saved_model.save(bat, str(Path(folder, "bat", "1")), signatures=signatures)
    return Path(folder, "bat")


def save_odd(folder):
    """Writes the model of odd signatures, each under the name of its method."""
    odd = Odd()
    signatures = {
        "loop": odd.loop,
        "noise": odd.noise,
        "seeded_noise": odd.seeded_noise,
        "generator_noise": odd.generator_noise,
        "bfloat16": odd.bfloat16,
        "float16": odd.float16,
        "lookup": odd.lookup,
        "xla": odd.xla,
        "mean": odd.mean,
        "slow": odd.slow,
    }
    tf.saved_model.save(odd, str(folder), signatures=signatures)


def save_keras(folder):
    """Writes one Keras model by `save`, which names outputs after layers, and by `export`."""
    pose = tf.keras.Input([8, 8, 3], name="pose")
    model = tf.keras.Model(pose, tf.keras.layers.Conv2D(3, 1, name="images")(pose))
    model.save(folder / "keras_save" / "1", save_format="tf")
    model.export(str(folder / "keras_export" / "1"))


def write_models(folder):
    """Writes all models; returns the folder as a Path."""
    folder = Path(folder)
    for version in (1, 2):
        save_gen(version, folder / "gen" / str(version))
    save_gen(3, folder / "staged" / "3")
    save_bat(folder)
    save_odd(folder / "odd" / "1")
    save_keras(folder)
    for name, module in (("python", CallsPython()), ("numpy", CallsNumpy())):
        tf.saved_model.save(
            module, str(folder / name / "1"), signatures={"serving_default": module.serve}
        )
    return folder


if __name__ == "__main__":
    write_models(sys.argv[1])
