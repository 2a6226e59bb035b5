"""A gRPC server on a real socket that fails as it is told to: for tests of what clients do then."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataResponse,
    SignatureDefMap,
)

THREADS = 16


def signature(inputs, outputs):
    """A SignatureDef from `{name: (dtype, sizes)}`; -1 for a free size, None for a free rank."""
    definition = SignatureDef(method_name="tensorflow/serving/predict")
    for infos, specs in ((definition.inputs, inputs), (definition.outputs, outputs)):
        for name, (dtype, sizes) in specs.items():
            infos[name].dtype = tf.as_dtype(dtype).as_datatype_enum
            infos[name].tensor_shape.unknown_rank = sizes is None
            for size in sizes or ():
                infos[name].tensor_shape.dim.add(size=size)
    return definition


DOUBLING = {"double": signature({"x": ("float32", [-1, 3])}, {"y": ("float32", [-1, 3])})}


class ScriptedServer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers y = 2 x after the failures in `script`, each `(grpc.StatusCode, details)`.

    Attributes:
        script: what the next requests fail with, in their order.
        version: of the answers.
        answer: makes the answer's tensor from the request's; by default its double.
        delay_secs: what an answer takes, from the request's first number.
        arrivals: when each request came.
        stopped: ends all delays.
        most_at_once: how many requests were answered at a time.
    """

    def __init__(self, signatures=DOUBLING):
        self.signatures = signatures
        self.script = []
        self.version = 1
        self.answer = lambda x: 2 * x
        self.delay_secs = lambda first: 0.0
        self.arrivals = []
        self.stopped = threading.Event()
        self.metadata_requests = 0
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()

    def GetModelMetadata(self, request, context):  # noqa: N802
        self.metadata_requests += 1
        response = GetModelMetadataResponse()
        response.model_spec.version.value = self.version
        response.metadata["signature_def"].Pack(SignatureDefMap(signature_def=self.signatures))
        return response

    def Predict(self, request, context):  # noqa: N802
        with self._lock:
            self.arrivals.append(time.monotonic())
            failure = self.script.pop(0) if self.script else None
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if failure is not None:
                context.abort(*failure)
            x = tf.make_ndarray(request.inputs["x"])
            self.stopped.wait(self.delay_secs(x.flat[0]))
            y = tf.make_tensor_proto(np.asarray(self.answer(x)))
        finally:
            with self._lock:
                self._at_once -= 1
        response = predict_pb2.PredictResponse(outputs={"y": y})
        response.model_spec.version.value = self.version
        return response


@contextlib.contextmanager
def scripted_server(credentials=None, port=0, signatures=DOUBLING):
    """The servicer and its address, until the end of the block."""
    servicer = ScriptedServer(signatures)
    with ThreadPoolExecutor(THREADS) as pool:
        server = grpc.server(pool, options=[("grpc.max_receive_message_length", -1)])
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
        if credentials is None:
            port = server.add_insecure_port(f"localhost:{port}")
        else:
            port = server.add_secure_port(f"localhost:{port}", credentials)
        server.start()
        try:
            yield servicer, f"localhost:{port}"
        finally:
            servicer.stopped.set()
            server.stop(grace=None).wait()
