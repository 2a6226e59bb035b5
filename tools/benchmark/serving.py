"""Cost of serving beyond drawing: each form of a picture, and the first request.

    python -m tools.benchmark serving --json=serving.json

A network with random weights is exported and served by the local server. The network is narrow,
so that its own time, which is measured in this process and taken off, hides little.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import flags

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.serving_client.client import Answer, Question, RemoteModel
from psgan_tf.serving_client.tensor_protos import parse_serialized
from tools.benchmark.servers.processes import MODEL, server, write_model

FLAGS = flags.FLAGS

flags.DEFINE_integer("resolution", 1024, "Of the pictures whose forms are measured, in pixels.")
flags.DEFINE_integer("fmap_base", 2048, "Widths of the networks.")
flags.DEFINE_integer("fmap_max", 16, "Cap on the widths.")
flags.DEFINE_integer("rounds", 15, "Requests of each form; the fastest counts.", 3)
flags.DEFINE_string("json", "", "Write the figures to this file as well.")

# Signature, and from its answer to what a user wants: a PNG file, or pixels.
FORMS: dict[str, tuple[str, Callable[[Answer], Any]]] = {
    "PNG (png_bytes)": ("serving_default", lambda answer: answer.outputs["png_bytes"][0]),
    "serialized uint8 (tensor_bytes)": (
        "images_serialized",
        lambda answer: parse_serialized(answer.outputs["tensor_bytes"][0]),
    ),
    "uint8 (images)": ("images_uint8", lambda answer: answer.outputs["images"][0]),
}


def some_inputs(model: RemoteModel) -> dict[str, np.ndarray]:
    """One latent and one pose, all keypoints visible."""
    inputs = model.signatures()[1]["serving_default"].inputs
    rng = np.random.default_rng(0)
    (_, latent_size), (_, num_keypoints, _) = inputs["latents"].shape, inputs["keypoints"].shape
    keypoints = np.ones([1, num_keypoints, 3], np.float32)
    keypoints[..., :2] = rng.uniform(0, 1024, [1, num_keypoints, 2])
    latents = rng.normal(size=[1, latent_size]).astype(np.float32)
    return {"latents": latents, "keypoints": keypoints}


def seconds(call: Callable[[], Any]) -> float:
    """What one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure_forms(model_dir: Path, address: str) -> dict[str, dict[str, float]]:
    """Milliseconds per picture in each form: in all, and beyond the network's own.

    The network's own time is that of the same exported graph in this process, up to the pixels.
    All forms and the network alone take turns, and the least time of each counts: other work on
    the machine can only add to it.
    """
    draw = tf.saved_model.load(str(model_dir / "1")).signatures["images_uint8"]
    with RemoteModel(address, MODEL, timeout_secs=300) as model:
        inputs = some_inputs(model)
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        calls: dict[str, Callable[[], Any]] = {
            name: lambda s=signature, d=decode: d(model.predict(Question(s, inputs)))
            for name, (signature, decode) in FORMS.items()
        }
        calls["network"] = lambda: draw(**tensors)
        secs: dict[str, list[float]] = {name: [] for name in calls}
        for number in range(FLAGS.rounds + 1):
            for name, call in calls.items():
                taken = seconds(call)
                if number:  # the first round traces and warms up
                    secs[name].append(taken)
    own = secs.pop("network")
    return {
        name: {
            "in_all_ms": 1e3 * min(taken),
            "network_ms": 1e3 * min(own),
            "beyond_ms": 1e3 * (min(taken) - min(own)),
            "median_in_all_ms": 1e3 * statistics.median(taken),
            "median_network_ms": 1e3 * statistics.median(own),
        }
        for name, taken in secs.items()
    }


def first_request_ms(address: str) -> float:
    """What the first picture that a new server draws takes."""
    with RemoteModel(address, MODEL, timeout_secs=300) as model:
        question = Question("serving_default", some_inputs(model))
        return 1e3 * seconds(lambda: model.predict(question))


def measure(folder: Path) -> dict[str, Any]:
    """All figures, from models that are made in the folder."""
    model_dir = folder / "model"
    write_model(model_dir, FLAGS.resolution, FLAGS.fmap_base, FLAGS.fmap_max)
    with server(model_dir) as address:
        warmed_ms = first_request_ms(address)
        forms = measure_forms(model_dir, address)
    with server(model_dir, "--enable_model_warmup=false") as address:
        cold_ms = first_request_ms(address)
    return {
        "resolution_px": FLAGS.resolution,
        "forms": forms,
        "first_request": {"cold_ms": cold_ms, "warmed_ms": warmed_ms},
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as text."""
    size, first = figures["resolution_px"], figures["first_request"]
    lines = [f"{f'a picture of {size} x {size}':34} {'in all':>9} {'network':>9} {'beyond it':>10}"]
    for name, form in figures["forms"].items():
        numbers = (form["in_all_ms"], form["network_ms"], form["beyond_ms"])
        lines.append("{:34} {:6.0f} ms {:6.0f} ms {:7.0f} ms".format(name, *numbers))
    lines.append(
        f"first request: {first['cold_ms']:.0f} ms cold, {first['warmed_ms']:.0f} ms warmed up"
    )
    return "\n".join(lines)


def main() -> int:
    """Measures and prints a table."""
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    print(table(figures))
    if FLAGS.json:
        write_atomically(FLAGS.json, json_text(figures))
    return 0
