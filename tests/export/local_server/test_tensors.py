"""Tensors on the wire, against TensorFlow's own reading and writing of them."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from export.local_server.models.tensors import array_from_proto, fill_proto, varints

LIMIT_BYTES = 2**20
RANDOM = np.random.default_rng(0)
ARRAYS = {
    "float_val": RANDOM.normal(size=(2, 3)).astype(np.float32),
    "double_val": RANDOM.normal(size=(2, 3)),
    "int_val": RANDOM.integers(0, 256, (2, 5, 3)).astype(np.uint8),
    "int_val of int8": RANDOM.integers(-128, 128, (7,)).astype(np.int8),
    "int_val of int16": RANDOM.integers(-(2**15), 2**15, (7,)).astype(np.int16),
    "int_val of uint16": RANDOM.integers(0, 2**16, (7,)).astype(np.uint16),
    "int_val of int32": RANDOM.integers(-(2**31), 2**31, (7,)).astype(np.int32),
    "int64_val": RANDOM.integers(-(2**63), 2**63 - 1, (7,)),
    "uint32_val": RANDOM.integers(0, 2**32, (7,)).astype(np.uint32),
    "uint64_val": np.array([0, 1, 2**64 - 1], np.uint64),
    "bool_val": np.array([[True, False]]),
    "half_val": RANDOM.normal(size=(4, 4)).astype(np.float16),
    "half_val of bfloat16": RANDOM.normal(size=(4, 4)).astype(ml_dtypes.bfloat16),
    "scomplex_val": (RANDOM.normal(size=3) + 1j).astype(np.complex64),
    "dcomplex_val": RANDOM.normal(size=3) - 2j,
    "string_val": np.array([[b"a", b""], [b"\xff\x00", b"long" * 100]], object),
    "float_val of a scalar": np.full((), 3, np.float32),
}


def proto_from_array(array):
    proto = TensorProto()
    fill_proto(proto, array)
    return proto


def content_proto(array, **changes):
    proto = tf.make_tensor_proto(array)
    for name, value in changes.items():
        setattr(proto, name, value)
    return proto


@pytest.mark.parametrize("name", ARRAYS)
def test_tensorflow_reads_what_is_written_and_the_typed_field_is_used(name):
    array = ARRAYS[name]
    proto = proto_from_array(array)
    assert [field.name for field, _ in proto.ListFields() if "_val" in field.name] == [
        name.split()[0]
    ]
    parsed = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype)).numpy()
    np.testing.assert_array_equal(parsed, array)
    assert np.asarray(parsed).dtype == array.dtype


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_from_typed_fields_and_from_content(name):
    array = ARRAYS[name]
    for proto in (proto_from_array(array), tf.make_tensor_proto(array)):
        found = array_from_proto(proto, LIMIT_BYTES)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_empty_arrays_keep_their_shape_and_have_no_field():
    for dtype in (np.float32, np.uint8, np.float16, object):
        proto = proto_from_array(np.empty((0, 3), dtype))
        assert {field.name for field, _ in proto.ListFields()} == {"dtype", "tensor_shape"}
        assert array_from_proto(proto, LIMIT_BYTES).shape == (0, 3)


def test_varints_of_known_numbers():
    assert varints(np.array([1, 300, 0, 127, 128], np.uint64)) == bytes.fromhex("01ac02007f8001")
    assert varints(np.array([2**64 - 1], np.uint64)) == b"\xff" * 9 + b"\x01"
    assert varints(np.array([], np.uint8)) == b""


def test_varints_are_those_of_protobuf():
    values = RANDOM.integers(0, 2**63 - 1, 2000) >> RANDOM.integers(0, 63, 2000)
    packed = TensorProto(int64_val=values.tolist()).SerializeToString()
    assert packed.endswith(varints(values.astype(np.uint64)))


def test_too_few_values_are_filled_up_with_the_last_as_tensorflow_does():
    proto = TensorProto(dtype=1, float_val=[1, 2])
    proto.tensor_shape.dim.add(size=5)
    np.testing.assert_array_equal(array_from_proto(proto, LIMIT_BYTES), [1, 2, 2, 2, 2])
    parsed = tf.io.parse_tensor(proto.SerializeToString(), tf.float32).numpy()
    np.testing.assert_array_equal(parsed, [1, 2, 2, 2, 2])


FAULTS = {
    "content cut short": content_proto(np.zeros(4, np.float32), tensor_content=b"\0" * 15),
    "content too long": content_proto(np.zeros(4, np.float32), tensor_content=b"\0" * 17),
    "no type": content_proto(np.zeros(4, np.float32), dtype=0),
    "a type that does not exist": content_proto(np.zeros(4, np.float32), dtype=99),
    "a resource": TensorProto(dtype=20),
    "a negative size": TensorProto(dtype=1, tensor_shape={"dim": [{"size": -1}]}),
    "too many dimensions": TensorProto(dtype=1, tensor_shape={"dim": [{"size": 1}] * 255}),
    "terabytes by shape alone": TensorProto(dtype=1, tensor_shape={"dim": [{"size": 2**40}]}),
    "a shape beyond 64 bits": TensorProto(dtype=1, tensor_shape={"dim": [{"size": 2**40}] * 3}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_tensor_is_refused(fault):
    with pytest.raises(ValueError, match="The tensor"):
        array_from_proto(FAULTS[fault], LIMIT_BYTES)
