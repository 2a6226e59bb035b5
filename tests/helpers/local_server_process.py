"""The local server as users start it: a process, its port, and its end."""

import contextlib
import re
import threading

import grpc
import numpy as np
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from run_programs import PATIENCE_SECS, start

LARGE_MESSAGES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
TYPES = {np.dtype(np.float32): types_pb2.DT_FLOAT, np.dtype(object): types_pb2.DT_STRING}


class Serving:
    """A running local server.

    Attributes:
        lines: what it has printed.
        grpc_address: where it is.
    """

    def __init__(self, flags):
        self.process = start("export.serve", "--port=0", *flags)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("local server: ready"):
                break
        else:
            raise AssertionError(f"ended with {self.process.wait()}: {self.lines}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.grpc_address = re.search(r"gRPC at (\S+)", "\n".join(self.lines))[1]
        self.channel = grpc.insecure_channel(self.grpc_address, LARGE_MESSAGES)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def _read(self):
        self.lines.extend(line.rstrip() for line in self.process.stdout)

    def predict(self, name, inputs, signature="", outputs=(), timeout=PATIENCE_SECS):
        """The answer's tensors as protos, by name."""
        request = predict_request(name, inputs, signature, outputs)
        return self.prediction.Predict(request, timeout=timeout).outputs

    def end(self):
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.wait()

    def wait(self):
        """The exit status of a server that has been asked to end."""
        self.channel.close()
        status = self.process.wait(PATIENCE_SECS)
        self._reader.join(PATIENCE_SECS)
        self.process.stdout.close()
        return status


@contextlib.contextmanager
def serving(*flags):
    """A local server with these flags, ended by SIGTERM."""
    server = Serving(flags)
    try:
        yield server
    finally:
        server.end()


def tensor(values):
    """A TensorProto by tensor_content; strings as bytes in an object array."""
    array = np.asarray(values)
    proto = tensor_pb2.TensorProto(dtype=TYPES[array.dtype])
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        proto.string_val.extend(array.ravel())
    else:
        proto.tensor_content = array.tobytes()
    return proto


def predict_request(name, inputs, signature="", outputs=()):
    request = PredictRequest(output_filter=outputs)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for alias, values in inputs.items():
        request.inputs[alias].CopyFrom(tensor(values))
    return request


def error_of(call):
    """`CODE: text` of a call that failed; else what it returned."""
    try:
        return call()
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
