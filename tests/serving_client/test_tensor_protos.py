"""Tensors in every form that a server may send them in, and inputs held to a signature."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from psgan_tf.serving_client.tensor_protos import (
    check_inputs,
    from_proto,
    parse_serialized,
    read_signatures,
    to_proto,
)
from scripted_server import ScriptedServer, signature

SIGNATURES = {
    "draw": signature(
        {"latents": ("float32", [-1, 4]), "seeds": ("int64", [-1])},
        {"png_bytes": ("string", [-1])},
    ),
    "free": signature({"x": ("float32", None)}, {"y": ("bfloat16", [-1, 2])}),
    "__saved_model_init_op": signature({}, {}),
}


def signatures():
    return read_signatures(ScriptedServer(SIGNATURES).GetModelMetadata(None, None))


def good_inputs(**changes):
    inputs = {"latents": np.zeros([2, 4], np.float32), "seeds": np.zeros([2], np.int64)}
    return {name: value for name, value in (inputs | changes).items() if value is not None}


def typed(field, values, dtype, shape):
    """A tensor in one of the typed fields, as TensorFlow Serving 2.15 answers."""
    proto = TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(values)
    return proto


@pytest.mark.parametrize(
    ("proto", "expected"),
    [
        (typed("float_val", [1.5, -2], "float32", [2, 1]), np.array([[1.5], [-2]], np.float32)),
        (typed("int_val", [0, 255, 7], "uint8", [3]), np.array([0, 255, 7], np.uint8)),
        (typed("int64_val", [-1, 2**62], "int64", [2]), np.array([-1, 2**62])),
        (typed("half_val", [0x3C00, 0xC000], "float16", [2]), np.array([1, -2], np.float16)),
        (typed("float_val", [3.0], "float32", [2, 2]), np.full([2, 2], 3, np.float32)),
        (typed("float_val", [], "float32", [0, 3]), np.zeros([0, 3], np.float32)),
        (typed("string_val", [b"a", b"\0b"], "string", [2]), np.array([b"a", b"\0b"], object)),
        (typed("string_val", [b"a"], "string", [2]), np.array([b"a", b"a"], object)),
        (typed("int_val", [7], "int32", []), np.array(7, np.int32)),
    ],
)
def test_typed_fields_are_read_in_every_form(proto, expected):
    array = from_proto(proto)
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)
    np.testing.assert_array_equal(tf.make_ndarray(proto), expected)  # TensorFlow's own reading


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64, np.float16])
def test_arrays_go_out_as_content_and_come_back_the_same(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    proto = to_proto(array)
    assert proto.tensor_content == array.tobytes()
    np.testing.assert_array_equal(from_proto(proto), array)


def test_a_serialized_picture_is_read_without_its_values_being_copied():
    picture = np.random.default_rng(0).integers(0, 256, [8, 8, 3], np.uint8)
    array = parse_serialized(tf.io.serialize_tensor(picture).numpy())
    np.testing.assert_array_equal(array, picture)
    assert not array.flags.owndata


@pytest.mark.parametrize(
    "proto",
    [
        TensorProto(dtype=1, tensor_content=b"12345"),
        TensorProto(
            dtype=1, tensor_content=b"\0" * 8, tensor_shape=to_proto(np.zeros(3)).tensor_shape
        ),
    ],
)
def test_values_that_do_not_fill_their_shape_are_refused(proto):
    with pytest.raises(ValueError, match="`tensor` must hold values for its shape"):
        from_proto(proto)


def test_bytes_that_are_no_serialized_tensor_are_refused():
    with pytest.raises(ValueError, match="`tensor` must be a serialized tensor"):
        parse_serialized(b"\xff" * 9)


def test_signatures_say_types_and_shapes_and_leave_the_loader_s_own_out():
    known = signatures()
    assert list(known) == ["draw", "free"]
    assert str(known["draw"].inputs["latents"]) == "float32 [N, 4]"
    assert str(known["free"].inputs["x"]) == "float32 of any shape"
    assert str(known["free"].outputs["y"]) == "bfloat16 [N, 2]"


def test_good_inputs_pass():
    check_inputs(signatures()["draw"], good_inputs())
    check_inputs(signatures()["free"], {"x": np.zeros([2, 3, 4], np.float32)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": None}, r"`inputs` must be latents, seeds\. Received: latents\."),
        (
            {"pose": np.zeros(2)},
            r"`inputs` must be latents, seeds\. Received: latents, seeds, pose",
        ),
        ({"latents": [[0.0] * 4] * 2}, r"`latents` must be a NumPy array\. Received: list"),
        ({"latents": np.zeros([2, 4])}, r"`latents` must be float32 \[N, 4\]\. Received: float64"),
        ({"seeds": np.array(["7", "8"])}, r"`seeds` must be int64 \[N\]\. Received: string"),
        (
            {"latents": np.zeros([2, 5], np.float32)},
            r"must be float32 \[N, 4\]\. .* shape \[2, 5\]",
        ),
        ({"latents": np.zeros([4], np.float32)}, r"must be float32 \[N, 4\]\. .* shape \[4\]"),
        ({"seeds": np.zeros([3], np.int64)}, r"one batch size\. Received: latents 2, seeds 3"),
    ],
)
def test_inputs_that_the_signature_does_not_take_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        check_inputs(signatures()["draw"], good_inputs(**changes))
