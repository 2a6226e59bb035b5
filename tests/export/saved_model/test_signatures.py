"""What an exported model answers, asked as a C++ server would ask it."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export.saved_model.check.graph_scan import read_meta_graph
from export.saved_model.check.job import Request
from export.saved_model.check.load_check import run_requests
from export.saved_model.exporting import export_run
from export.saved_model.signatures import images_to_uint8
from export.tensorflow_c.status import StatusError
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.images.pictures import to_uint8
from tiny_run import POSE, write_run

Z = 8
SIGNATURES = {
    "serving_default": ["latents"],
    "images_uint8": ["latents"],
    "images_serialized": ["latents"],
    "from_seed": ["seeds"],
    "interpolate": ["latents_a", "latents_b", "t"],
}


def ask(directory, *asked):
    """Answers of a model to (signature, inputs) pairs, by the C API in a process of its own.

    An answer is an array, a list of bytes for strings, or a StatusError.
    """
    signatures = read_meta_graph(directory).signature_def
    requests = []
    for name, inputs in asked:
        feeds = {signatures[name].inputs[alias].name: value for alias, value in inputs.items()}
        (output,) = signatures[name].outputs.values()
        requests.append(Request(feeds, [output.name]))
    load_error, answers = run_requests(directory, requests)
    assert load_error is None
    return [answer if isinstance(answer, Exception) else decoded(answer[0]) for answer in answers]


def decoded(array):
    return list(array) if array.dtype == object else array


def pixels(pngs):
    """PNG files in memory as [N, R, R, 3] uint8, read by Pillow."""
    return np.stack([np.asarray(Image.open(io.BytesIO(png))) for png in pngs])


def types_in(graph):
    """DataType numbers of all that the nodes of a graph and its functions compute."""
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    return {attribute.type for node in nodes for attribute in node.attr.values()}


def inputs_of(name, count, seed=0):
    """Inputs for `count` pictures of a signature; each picture has a pose of its own."""
    rng = np.random.default_rng(seed)
    made = {alias: rng.normal(size=[count, Z]).astype(np.float32) for alias in SIGNATURES[name]}
    if name == "from_seed":
        made["seeds"] = rng.integers(0, 2**62, count)
    if name == "interpolate":
        made["t"] = rng.uniform(size=count).astype(np.float32)
    shift = rng.uniform(0, 4, [count, 1, 3]).astype(np.float32) * [1, 1, 0]
    return {**made, "keypoints": (POSE + shift).astype(np.float32)}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    """A run in the fade to 16 x 16, the first resolution whose convolutions take the fast forms."""
    directory = tmp_path_factory.mktemp("fading")
    return write_run(directory, resolution=16, images_shown=(52,), phase_index=3)


@pytest.fixture(scope="module")
def model(run_dir):
    return export_run(run_dir, run_dir.parent / "model").directory


@pytest.fixture(scope="module")
def sampler(run_dir):
    return Sampler(run_dir)


def test_every_input_and_output_has_a_leading_batch_dimension_and_sizes_that_a_client_can_check(
    model,
):
    signatures = read_meta_graph(model).signature_def
    assert set(signatures) - {"__saved_model_init_op"} == {*SIGNATURES, "describe"}
    sizes = {"keypoints": [-1, 3, 3], "seeds": [-1], "t": [-1], "images": [-1, 16, 16, 3]}
    sizes |= {"png_bytes": [-1], "tensor_bytes": [-1]}
    for name, aliases in SIGNATURES.items():
        signature = signatures[name]
        assert set(signature.inputs) == {*aliases, "keypoints"}
        for alias, info in [*signature.inputs.items(), *signature.outputs.items()]:
            shape = [dim.size for dim in info.tensor_shape.dim]
            assert shape == sizes.get(alias, [-1, Z]), (name, alias)


def test_the_three_forms_of_output_hold_the_pixels_that_the_sampler_draws(model, sampler):
    inputs = inputs_of("serving_default", 5)
    names = ("images_uint8", "serving_default", "images_serialized")
    images, pngs, serialized = ask(model, *((name, inputs) for name in names))
    np.testing.assert_array_equal(images, sampler.images(inputs["latents"], inputs["keypoints"]))
    np.testing.assert_array_equal(pixels(pngs), images)
    parsed = [tf.io.parse_tensor(text, tf.uint8) for text in serialized]
    np.testing.assert_array_equal(np.stack(parsed), images)


def test_a_seed_gives_the_picture_that_generate_draws_of_it(model, sampler):
    seeds = np.array([0, 7, 42, 2**63 - 1])
    keypoints = np.repeat(POSE[None], 4, axis=0)
    (pngs,) = ask(model, ("from_seed", {"seeds": seeds, "keypoints": keypoints}))
    expected = sampler.images(sampler.latents(list(seeds)), keypoints)
    np.testing.assert_array_equal(pixels(pngs), expected)


def pictures_of(name, answer):
    """What a signature answered, as [N, R, R, 3] uint8; texts as they are."""
    if name == "images_serialized":
        return np.stack([tf.io.parse_tensor(text, tf.uint8) for text in answer])
    return answer if name in ("images_uint8", "describe") else pixels(answer)


# The stock server puts requests together and fills a batch up with copies of a row.
BATCHES = [
    [0],
    [0, 0, 0, 0],
    [5, 4, 3, 2, 1, 0],
    [0, 3],
    [3, 0, 3, 3],
    [0, 1, 2, 3, 4, 5, 5, 5],
]


@pytest.mark.parametrize("name", [*SIGNATURES, "describe"])
def test_a_row_depends_neither_on_its_neighbours_nor_on_padding(model, name):
    inputs = {"rows": np.arange(6)} if name == "describe" else inputs_of(name, 6)
    batches = [{alias: value[rows] for alias, value in inputs.items()} for rows in BATCHES]
    answers = ask(model, *((name, batch) for batch in batches))
    (alone, *others) = (pictures_of(name, answer) for answer in answers)
    for rows, pictures in zip(BATCHES[1:], others, strict=True):
        assert len(pictures) == len(rows)
        for place in np.flatnonzero(np.array(rows) == 0):
            if name == "describe":
                assert pictures[place] == alone[0]
                continue
            # Convolutions may add up in another order in another batch.
            np.testing.assert_allclose(pictures[place].astype(int), alone[0].astype(int), atol=1)
    if name != "describe":
        assert np.abs(others[1][0].astype(int) - alone[0].astype(int)).max() > 1


def test_interpolation_starts_and_ends_at_its_latents_and_turns_evenly_between(model):
    inputs = inputs_of("interpolate", 4)
    inputs["t"] = np.array([0, 1, -3, 9], np.float32)
    ends = np.stack([inputs[f"latents_{end}"][i] for i, end in enumerate("abab")])
    # Of two right angles of length 1 the middle is the diagonal of length 1.
    first, second = np.eye(Z, dtype=np.float32)[:2]
    middle = {"latents_a": first[None], "latents_b": second[None]}
    middle |= {"t": np.array([0.5], np.float32), "keypoints": POSE[None]}
    diagonal = ((first + second) / np.sqrt(2))[None].astype(np.float32)
    between, exact, turned, expected = ask(
        model,
        ("interpolate", inputs),
        ("images_uint8", {"latents": ends, "keypoints": inputs["keypoints"]}),
        ("interpolate", middle),
        ("images_uint8", {"latents": diagonal, "keypoints": POSE[None]}),
    )
    np.testing.assert_array_equal(pixels(between), exact)
    np.testing.assert_allclose(pixels(turned).astype(int), expected.astype(int), atol=1)


WRONG_SIZES = [
    ("serving_default", "latents", [2, 9], "`latents` must have the shape [batch, 8]"),
    ("serving_default", "latents", [2, 7], "`latents` must have the shape [batch, 8]"),
    ("serving_default", "latents", [2], "`latents` must have the shape [batch, 8]"),
    ("images_uint8", "keypoints", [2, 18, 3], "`keypoints` must have the shape [batch, 3, 3]"),
    ("images_uint8", "keypoints", [2, 3, 2], "`keypoints` must have the shape [batch, 3, 3]"),
    ("images_uint8", "keypoints", [3, 3], "`keypoints` must have the shape [batch, 3, 3]"),
    ("images_serialized", "latents", [], "`latents` must have the shape [batch, 8]"),
    ("images_serialized", "keypoints", [2, 1, 3], "`keypoints` must have the shape [batch, 3, 3]"),
    ("from_seed", "seeds", [2, 1], "`seeds` must have the shape [batch]"),
    ("from_seed", "seeds", [], "`seeds` must have the shape [batch]"),
    ("from_seed", "keypoints", [2, 4, 3], "`keypoints` must have the shape [batch, 3, 3]"),
    ("interpolate", "latents_a", [2, 16], "`latents_a` must have the shape [batch, 8]"),
    ("interpolate", "latents_b", [2, 1], "`latents_b` must have the shape [batch, 8]"),
    ("interpolate", "t", [2, 1], "`t` must have the shape [batch]"),
    ("serving_default", "keypoints", [1, 3, 3], "`latents` and `keypoints` must have one batch"),
    ("from_seed", "seeds", [5], "`seeds` and `keypoints` must have one batch size"),
    ("interpolate", "t", [1], "`latents_a` and `latents_b` and `t` and `keypoints` must have one"),
]


def test_inputs_of_other_sizes_are_refused_by_the_graph_which_names_them(model):
    asked = []
    for name, alias, shape, _ in WRONG_SIZES:
        inputs = inputs_of(name, 2)
        asked.append((name, {**inputs, alias: np.ones(shape, inputs[alias].dtype)}))
    for case, answer in zip(WRONG_SIZES, ask(model, *asked), strict=True):
        assert isinstance(answer, StatusError), case
        assert answer.code.name == "INVALID_ARGUMENT"
        first, received = answer.message.split("\n")[0].split("Received:]")
        assert case[3] in first, answer.message
        assert (
            "must have one batch" in first
            or [int(n) for n in received.strip(" []").split()] == (case[2])
        )


def test_a_batch_of_none_gives_none(model):
    asked = [(name, inputs_of(name, 0)) for name in SIGNATURES]
    answers = dict(zip(SIGNATURES, ask(model, *asked), strict=True))
    assert answers.pop("images_uint8").shape == (0, 16, 16, 3)
    assert set(map(str, answers.values())) == {"[]"}


def test_a_keypoint_that_is_no_number_is_drawn_as_missing(model):
    inputs = inputs_of("images_uint8", 6)
    inputs["keypoints"][:] = POSE
    for row, axis, value in ((0, 0, np.nan), (1, 1, np.inf), (2, 2, np.nan), (3, 0, -np.inf)):
        inputs["keypoints"][row, 0, axis] = value
    missing = {**inputs, "keypoints": inputs["keypoints"].copy()}
    missing["keypoints"][:4, 0] = 0
    images, expected = ask(model, ("images_uint8", inputs), ("images_uint8", missing))
    np.testing.assert_array_equal(images, expected)


def test_a_latent_that_is_no_number_is_black_and_leaves_its_neighbours_alone(model):
    inputs = inputs_of("images_uint8", 4)
    spoilt = {**inputs, "latents": inputs["latents"].copy()}
    spoilt["latents"][1, 3] = np.nan
    spoilt["latents"][2, 0] = np.inf
    images, plain = ask(model, ("images_uint8", spoilt), ("images_uint8", inputs))
    assert images[1:3].max() == 0
    assert plain[1:3].max() > 0
    np.testing.assert_array_equal(images[[0, 3]], plain[[0, 3]])


def test_bytes_in_the_graph_are_rounded_like_those_of_numpy():
    ties = (np.arange(-2, 258) + 0.5 - 127.5) / 127.5
    values = np.concatenate([ties, np.linspace(-1.5, 1.5, 999)]).astype(np.float32)
    np.testing.assert_array_equal(images_to_uint8(values), to_uint8(values))


def test_a_model_without_poses_takes_no_keypoints(tmp_path):
    run_dir = write_run(tmp_path, num_keypoints=0, phase_index=2, images_shown=(40,))
    exported = export_run(run_dir, tmp_path / "plain")
    for name, signature in read_meta_graph(exported.directory).signature_def.items():
        assert "keypoints" not in signature.inputs, name
    latents = np.random.default_rng(0).normal(size=[3, Z]).astype(np.float32)
    wrong = latents[:, :5]
    images, refused = ask(
        exported.directory,
        ("images_uint8", {"latents": latents}),
        ("images_uint8", {"latents": wrong}),
    )
    drawn = Sampler(run_dir).images(latents, np.zeros([3, 0, 3], np.float32))
    np.testing.assert_array_equal(images, drawn)
    assert "`latents` must have the shape [batch, 8]" in refused.message


def test_precision_is_that_of_the_export_not_of_the_training(tmp_path):
    run_dir = write_run(tmp_path, precision="bfloat16")
    inputs = inputs_of("images_uint8", 4)
    images = {}
    for precision in ("float32", "bfloat16"):
        exported = export_run(run_dir, tmp_path / precision, precision=precision)
        types = types_in(read_meta_graph(exported.directory).graph_def)
        assert (tf.bfloat16.as_datatype_enum in types) is (precision == "bfloat16")
        (images[precision],) = ask(exported.directory, ("images_uint8", inputs))
    full, half = (images[p].astype(int) for p in ("float32", "bfloat16"))
    np.testing.assert_array_equal(full, Sampler(run_dir).images(**inputs))
    # 8 bits of mantissa; poses must still fall into the same pixels.
    assert 0 < np.abs(full - half).mean() < 4


def test_a_fresh_python_without_this_project_loads_and_calls_it(model, sampler, tmp_path):
    inputs = inputs_of("serving_default", 2)
    np.savez(tmp_path / "inputs.npz", **inputs)
    program = (
        "import sys\n"
        "sys.modules['psgan_tf'] = sys.modules['export'] = None\n"
        "import numpy as np, tensorflow as tf\n"
        "model = tf.saved_model.load(sys.argv[1])\n"
        "inputs = {k: tf.constant(v) for k, v in np.load('inputs.npz').items()}\n"
        "pngs = model.signatures['serving_default'](**inputs)['png_bytes'].numpy()\n"
        "for i, png in enumerate(pngs): open(f'{i}.png', 'wb').write(png)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(model)],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        check=True,
    )
    drawn = np.stack([np.asarray(Image.open(tmp_path / f"{i}.png")) for i in range(2)])
    np.testing.assert_array_equal(drawn, sampler.images(inputs["latents"], inputs["keypoints"]))


def test_saved_model_cli_shows_each_signature_by_its_names(model):
    cli = "tensorflow.python.tools.saved_model_cli"
    shown = subprocess.run(
        [sys.executable, "-m", cli, "show", "--all", f"--dir={model}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name, aliases in SIGNATURES.items():
        part = shown.split(f"signature_def['{name}']")[1].split("signature_def[")[0]
        for alias in (*aliases, "keypoints"):
            assert f"inputs['{alias}'] tensor_info" in part
    # Nothing of the training graph, and no weight of a layer that is not used.
    assert "discriminator" not in shown
