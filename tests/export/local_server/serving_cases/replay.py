"""Sends the cases of these files to a server and compares its answers with the expected ones.

    python -m tests.export.local_server.serving_cases.replay --address=localhost:8500 predict.toml

Any server will do that serves the models of `models.py`: the stock one too. Each line says whether
the answer was equal; the exit status is 1 if one was not. `reload.toml` also takes
`--models=FOLDER`, the models' folder as the server sees it, and `rest.toml` `--rest_address`.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import time
import tomllib
from pathlib import Path

import grpc
import numpy as np
from google.protobuf import text_format

from tests.export.local_server.serving_cases import rest

HERE = Path(__file__).resolve().parent
REST_FILE = "rest.toml"
PATIENCE_SECS = 30
SIZES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
NUMBERS = (
    (re.compile(r"(__inference_\w+?)_\d+\b"), r"\1_N"),
    (re.compile(r'"pyfunc_\d+"'), '"pyfunc_N"'),
)
# An op's attributes are told in any order.
ATTRIBUTES = re.compile(r"(?<=with these attrs: \[)(.*)(?=\]$)", re.MULTILINE)
ONE_ATTRIBUTE = re.compile(r"\w+=(?:\[.*?\](?=,|$)|[^,]*)")


@dataclasses.dataclass(frozen=True)
class Case:
    """One request, or one step of several, and what is expected.

    Attributes:
        name: what it is about.
        method: of the service.
        fields: the rest of the file's entry.
        tensors: the file's named tensors.
        models: the models' folder, for `{models}` in texts.
    """

    name: str
    method: str
    fields: dict
    tensors: dict
    models: str

    def text(self, field):
        """A text of the entry with the folder in its place."""
        return self.fields[field].replace("{models}", self.models)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back: an error's code and text, or `OK` and a message."""

    code: str
    text: str
    message: object = None


def read_cases(file_name, models=""):
    """The cases of a file; what an entry leaves out is taken from the top of the file."""
    document = tomllib.loads((HERE / file_name).read_text(encoding="utf-8"))
    shared = {key: value for key, value in document.items() if key not in ("case", "tensors")}
    tensors = document.get("tensors", {})
    return [
        Case(
            entry["name"],
            entry.get("method", shared.get("method")),
            shared | entry,
            tensors,
            models,
        )
        for entry in document["case"]
    ]


def normalised(text):
    """A text without what differs from one run to the next."""
    for pattern, replacement in NUMBERS:
        text = pattern.sub(replacement, text)
    return ATTRIBUTES.sub(lambda found: ", ".join(sorted(ONE_ATTRIBUTE.findall(found[1]))), text)


def tensor(description):
    """A TensorProto, right or wrong, as a file describes it."""
    from tensorflow.core.framework import tensor_pb2, types_pb2

    types = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bytes": types_pb2.DT_STRING}
    shape, fill = description["shape"], description["fill"]
    number = description.get("claim_dtype", types[description["dtype"]])
    proto = tensor_pb2.TensorProto(dtype=number)
    for size in description.get("claim_shape", shape):
        proto.tensor_shape.dim.add(size=size)
    if description["dtype"] == "bytes":
        proto.string_val.extend([fill.encode()] * int(np.prod(shape)))
        return proto
    content = np.full(shape, fill, description["dtype"]).tobytes()
    proto.tensor_content = content[: len(content) - description.get("drop_bytes", 0)]
    return proto


class Client:
    """Sends cases to an address."""

    def __init__(self, address):
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        self._channel = grpc.insecure_channel(address, options=SIZES)
        self._stubs = (
            prediction_service_pb2_grpc.PredictionServiceStub(self._channel),
            model_service_pb2_grpc.ModelServiceStub(self._channel),
        )

    def close(self):
        self._channel.close()

    def ask(self, case):
        """Sends a case's request."""
        send, request = self._call_of(case)
        try:
            message = send(request, timeout=case.fields.get("timeout_secs", PATIENCE_SECS))
        except grpc.RpcError as error:
            return Answer(error.code().name, error.details())
        return Answer("OK", "", message)

    def states(self, model_name):
        """`["2 AVAILABLE", "1 END"]`, or the error."""
        from tensorflow_serving.apis import get_model_status_pb2

        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model_name
        try:
            answer = self._stubs[1].GetModelStatus(request, timeout=PATIENCE_SECS)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"
        name_of = get_model_status_pb2.ModelVersionStatus.State.Name
        return [f"{entry.version} {name_of(entry.state)}" for entry in answer.model_version_status]

    def _call_of(self, case):
        if case.method == "Check":
            service = case.fields["service"].encode()
            return self._channel.unary_unary("/grpc.health.v1.Health/Check"), bytes(
                [0x0A, len(service)]
            ) + service
        for stub in self._stubs:
            if hasattr(stub, case.method):
                return getattr(stub, case.method), self._request_of(case)
        raise ValueError(f"`method` of the case {case.name!r} is unknown. Received: {case.method}.")

    def _request_of(self, case):
        from tensorflow_serving.apis import (
            classification_pb2,
            get_model_metadata_pb2,
            get_model_status_pb2,
            inference_pb2,
            model_management_pb2,
            predict_pb2,
            regression_pb2,
        )

        if case.method == "Predict":
            request = predict_pb2.PredictRequest(output_filter=case.fields.get("output_filter", []))
            if case.fields["spec"] is not False:
                request.model_spec.SetInParent()
                text_format.Parse(case.fields["spec"], request.model_spec)
            for alias, name in case.fields["inputs"].items():
                request.inputs[alias].CopyFrom(tensor(case.tensors[name]))
            return request
        kinds = {
            "Classify": classification_pb2.ClassificationRequest,
            "Regress": regression_pb2.RegressionRequest,
            "MultiInference": inference_pb2.MultiInferenceRequest,
            "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
            "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
            "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
        }
        return text_format.Parse(case.text("request"), kinds[case.method]())


def _text_of(message):
    return text_format.MessageToString(message, as_one_line=True)


def _same(message, text):
    return message == text_format.Parse(text, type(message)())


def output_form(proto):
    """The field that a tensor's values are in, and its shape: `float_val 1 32 32 3`."""
    fields = [field.name for field, _ in proto.ListFields() if field.name.endswith("_val")]
    fields += ["tensor_content"] if proto.tensor_content else []
    sizes = [str(dimension.size) for dimension in proto.tensor_shape.dim]
    return " ".join([*(fields or ["none"]), *sizes])


def _message_faults(case, message):
    """How a good answer differs from the expected one."""
    fields = case.fields
    if "health" in fields:
        return [] if message == bytes([0x08, fields["health"]]) else [f"health {message!r}"]
    faults = []
    if "answer" in fields and not _same(message, fields["answer"]):
        faults.append(_text_of(message))
    spec = fields.get("answered_by", fields.get("plain_answer"))
    if spec and hasattr(message, "model_spec") and not _same(message.model_spec, spec):
        faults.append(f"model_spec {_text_of(message.model_spec)}")
    if "outputs" in fields:
        forms = {alias: output_form(proto) for alias, proto in message.outputs.items()}
        faults += [f"outputs {forms}"] if forms != fields["outputs"] else []
    if "signatures" in fields:
        faults += _signature_faults(fields, message)
    return faults


def _signature_faults(fields, message):
    from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

    found = SignatureDefMap()
    if not message.metadata["signature_def"].Unpack(found):
        return ["the metadata are no SignatureDefMap"]
    faults = []
    if sorted(found.signature_def) != fields["signatures"]:
        faults.append(f"signatures {sorted(found.signature_def)}")
    if not _same(found.signature_def["serving_default"], fields["serving_default"]):
        faults.append(f"signature {_text_of(found.signature_def['serving_default'])}")
    return faults


def faults_of(case, answer, without_onednn=False):
    """How an answer differs from what is expected; empty where it does not.

    Args:
        without_onednn: the server's TensorFlow does not use oneDNN.
    """
    if answer.code != case.fields.get("code", "OK"):
        return [f"{answer.code} {answer.text!r}"]
    if answer.code == "OK":
        return _message_faults(case, answer.message)
    text = case.fields["text"]
    if without_onednn:
        text = case.fields.get("without_onednn", text)
    return [] if normalised(answer.text) == text else [f"{answer.code} {answer.text!r}"]


def state_faults(client, case):
    """Waits until the versions are in the expected states; what they are in if it does not come."""
    wanted = case.fields.get("states", {})
    end = time.monotonic() + case.fields.get("within_secs", 0)
    while True:
        found = {name: client.states(name) for name in wanted}
        if found == wanted or time.monotonic() > end:
            return [] if found == wanted else [f"states {found}"]
        time.sleep(0.05)


def faults_of_grpc(arguments, file_name):
    """(name, faults) of each case of a file, asked in their order."""
    client = Client(arguments.address)
    for case in read_cases(file_name, arguments.models):
        faults = faults_of(case, client.ask(case), without_onednn=arguments.without_onednn)
        yield case.name, faults + state_faults(client, case)
    client.close()


def main():
    """Replays the files and prints a line per case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", help="HOST:PORT of the gRPC port")
    parser.add_argument("--rest_address", help="HOST:PORT of the REST port, for rest.toml")
    parser.add_argument("--models", default="", help="the models' folder as the server sees it")
    parser.add_argument("--without_onednn", action="store_true", help="the server runs without it")
    parser.add_argument("files", nargs="*", default=["predict.toml", "others.toml"])
    arguments = parser.parse_args()
    different = 0
    for name in arguments.files:
        flag = "rest_address" if name == REST_FILE else "address"
        if not getattr(arguments, flag):
            parser.error(f"{name} needs --{flag}")
        if name == REST_FILE:
            answers = rest.faults_of_cases(arguments.rest_address, HERE / name)
        else:
            answers = faults_of_grpc(arguments, name)
        for case_name, faults in answers:
            different += bool(faults)
            print(f"{'DIFFERENT' if faults else 'equal':9} {case_name}", *faults, sep="\n    ")
    print(f"{different} different")
    return int(different > 0)


if __name__ == "__main__":
    from export.local_server.messages import use_messages_only

    use_messages_only()
    sys.exit(main())
