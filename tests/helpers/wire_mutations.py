"""Requests as an attacker or a broken client would send them: good ones, damaged in many ways."""

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

from local_server_process import predict_request

PREDICT = "/tensorflow.serving.PredictionService/Predict"
METADATA = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"

ODD_NUMBERS = (0, 1, -1, 2, 63, 65, 255, 2**16, 2**31 - 1, 2**31, -(2**31), 2**62, 2**63 - 1)
ODD_NAMES = ("", "a", "gen", "serving_default", "é" * 300, "../../etc", "\x00", "{}%s", "x" * 5000)
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def good_requests():
    """(method, message) of one good request of each kind, on the model `gen`."""
    latent, pose = np.zeros((2, 64), np.float32), np.ones((2, 32, 32, 4), np.float32)
    metadata = GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.name = "gen"
    status = GetModelStatusRequest()
    status.model_spec.name = "gen"
    return [
        (PREDICT, predict_request("gen", {"latent": latent, "pose": pose})),
        (PREDICT, predict_request("gen", {"latent": latent, "pose": pose}, "png", ["png_bytes"])),
        (PREDICT, predict_request("gen", {"latent": latent[:0], "pose": pose[:0]})),
        (METADATA, metadata),
        (STATUS, status),
    ]


def damaged_bytes(data, generator):
    """The bytes with one to four of: bits flipped, a piece cut out, doubled, replaced or added."""
    data = bytearray(data)
    for _ in range(generator.integers(1, 5)):
        start = int(generator.integers(0, len(data) + 1))
        end = min(len(data), start + int(generator.integers(1, 40)))
        junk = generator.bytes(int(generator.integers(1, 30)))
        kind = generator.integers(0, 6)
        if kind == 0 and data:
            data[min(start, len(data) - 1)] ^= 1 << int(generator.integers(0, 8))
        elif kind == 1:
            del data[start:end]
        elif kind == 2:
            data[start:start] = data[start:end]
        elif kind == 3:
            data[start:end] = junk
        elif kind == 4:
            data[start:start] = junk
        else:
            del data[start:]
    return bytes(data)


def changed_fields(message, generator):
    """A copy with some fields, however deep, set to odd values, repeated or left out."""
    changed = type(message).FromString(message.SerializeToString())
    for _ in range(generator.integers(1, 4)):
        _change(changed, generator)
    return changed.SerializeToString()


def _pick(generator, options):
    return options[int(generator.integers(0, len(options)))]


def _change(message, generator):
    """Changes one field of a message, or of one inside it."""
    field = _pick(generator, message.DESCRIPTOR.fields)
    value = getattr(message, field.name)
    repeated = field.label == field.LABEL_REPEATED
    if field.message_type is None:
        odd = _odd_value(field, generator)
        if repeated:
            value.extend([odd] * int(generator.integers(1, 20)))
        else:
            setattr(message, field.name, odd)
    elif repeated and field.message_type.GetOptions().map_entry:
        _change_map(value, field, generator)
    elif generator.random() < 0.15:
        message.ClearField(field.name)
    elif repeated:
        _change(_pick(generator, value) if value else value.add(), generator)
    else:
        _change(value, generator)
        value.SetInParent()


def _change_map(value, field, generator):
    of_values = field.message_type.fields_by_name["value"]
    names = [*sorted(value), _pick(generator, ODD_NAMES)]
    name = _pick(generator, names)
    if generator.random() < 0.2 and name in value:
        del value[name]
    elif of_values.message_type is not None:
        _change(value[name], generator)


def _odd_value(field, generator):
    kinds = {
        field.CPPTYPE_STRING: lambda: _pick(generator, ODD_NAMES),
        field.CPPTYPE_BOOL: lambda: bool(generator.integers(0, 2)),
        field.CPPTYPE_FLOAT: lambda: _pick(generator, (0.0, -1.5, float("nan"), float("inf"))),
        field.CPPTYPE_DOUBLE: lambda: _pick(generator, (0.0, -1.5, float("nan"), float("inf"))),
        field.CPPTYPE_ENUM: lambda: int(generator.integers(-2, 130)),
    }
    if field.type == field.TYPE_BYTES:
        return generator.bytes(int(generator.integers(0, 300)))
    if field.cpp_type in kinds:
        return kinds[field.cpp_type]()
    unsigned = field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64)
    bits = 32 if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 64
    least, end = (0, 2**bits) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    return _pick(generator, [number for number in ODD_NUMBERS if least <= number < end])


def mutations(count, seed):
    """(method, bytes) of damaged requests, the same ones for the same seed."""
    generator = np.random.default_rng(seed)
    good = good_requests()
    shares = [0.4, 0.2, 0.1, 0.15, 0.15]
    for _ in range(count):
        method, message = good[generator.choice(len(good), p=shares)]
        if generator.random() < 0.5:
            yield method, damaged_bytes(message.SerializeToString(), generator)
        else:
            try:
                yield method, changed_fields(message, generator)
            except (DecodeError, ValueError):  # two changes that exclude each other
                yield method, damaged_bytes(message.SerializeToString(), generator)


def junk(generator):
    """Bytes for a bare socket: noise, or HTTP of either version with noise behind it."""
    noise = generator.bytes(int(generator.integers(1, 3000)))
    starts = (
        b"",
        HTTP2_PREFACE,
        HTTP2_PREFACE + b"\x00\x00\x00\x04\x00" * 3,
        b"GET / HTTP/1.1\r\n",
    )
    return _pick(generator, starts) + noise
