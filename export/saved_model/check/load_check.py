"""Loads a SavedModel as a C++ server does, in a process of its own, and runs each signature once.

Loading alone proves little: graphs that call Python, that need XLA, or whose variables are gone
load well and fail at the first request.
"""

from __future__ import annotations

import dataclasses
import io
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

import export
from export.saved_model.check.graph_scan import read_meta_graph, scan
from export.saved_model.check.job import Job, Request
from export.saved_model.tensors import describe, made_up_input, signatures_of


class ProcessDiedError(Exception):
    """The process that ran the model ended before it answered; the text says how."""


@dataclasses.dataclass(frozen=True)
class SignatureResult:
    """How a signature answered.

    Args:
        name: of the signature.
        inputs: the made-up inputs by alias, each as `float32 [1, 64]`.
        outputs: what came back, in the same form; empty when it failed.
        error: code and text; empty when it answered.
    """

    name: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    error: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What the check of a SavedModel found.

    Args:
        findings: of the graph scan, a sentence each.
        load_error: why it could not be loaded; empty when it was.
        signatures: in alphabetical order; none when it could not be loaded.
    """

    findings: list[str]
    load_error: str
    signatures: list[SignatureResult]

    @property
    def problems(self) -> list[str]:
        """All that is wrong, a line each; empty when a server will take the model."""
        if self.load_error:
            return [*self.findings, f"it cannot be loaded: {self.load_error}"]
        failed = [f"signature {s.name} failed: {s.error}" for s in self.signatures if s.error]
        return [*self.findings, *(failed if self.signatures else ["it has no signature"])]

    def table(self) -> str:
        """The report as text: a line a signature, then all that is wrong."""
        rows = [
            (s.name, "FAILED" if s.error else "ok", _text(s.inputs), "->", _text(s.outputs))
            for s in self.signatures
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, *(f"problem: {problem}" for problem in self.problems)])


def check_saved_model(
    directory: str | Path, *, batch_size: int = 1, timeout_secs: float = 600
) -> Report:
    """Scans the graph, loads the model and runs each signature once with made-up inputs.

    Args:
        directory: of the SavedModel.
        batch_size: leading dimension of the inputs.
        timeout_secs: for loading and all signatures.

    Raises:
        ValueError: when there is no SavedModel to check.
    """
    meta_graph = read_meta_graph(directory)
    signatures = signatures_of(meta_graph)
    requests = {
        name: Request(
            {
                info.name: made_up_input(info, batch_size)
                for _, info in sorted(signature.inputs.items())
            },
            [info.name for _, info in sorted(signature.outputs.items())],
        )
        for name, signature in signatures.items()
    }
    load_error, answers = run_requests(directory, list(requests.values()), timeout_secs)
    results = [
        _result(name, signatures[name], requests[name], answer)
        for name, answer in zip(requests, answers, strict=False)  # no answers after a failed load
    ]
    return Report(scan(directory, meta_graph), str(load_error or ""), results)


def _result(
    name: str,
    signature: meta_graph_pb2.SignatureDef,
    request: Request,
    answer: list[np.ndarray] | Exception,
) -> SignatureResult:
    feeds = dict(zip(sorted(signature.inputs), request.feeds.values(), strict=True))
    inputs = {alias: describe(array) for alias, array in feeds.items()}
    if isinstance(answer, Exception):
        return SignatureResult(name, inputs, {}, " ".join(str(answer).split()))
    outputs = dict(zip(sorted(signature.outputs), answer, strict=True))
    return SignatureResult(name, inputs, {k: describe(v) for k, v in outputs.items()}, "")


def _text(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{alias} {text}" for alias, text in tensors.items())


def run_requests(
    directory: str | Path, requests: Sequence[Request], timeout_secs: float = 600
) -> tuple[Exception | None, list[list[np.ndarray] | Exception]]:
    """Loads a SavedModel in a process without TensorFlow's Python and runs requests in order.

    Args:
        directory: of the SavedModel.
        requests: what to run.
        timeout_secs: for all of it; the process is killed after that.

    Returns:
        Why it could not be loaded, if so, and an answer for each request; none after a failed
        load. Those that a dead process never answered are a ProcessDiedError.
    """
    job = Job(str(Path(directory).absolute()), list(requests))
    root = Path(export.__file__).resolve().parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "export.saved_model.check.process"],
        cwd=root,
        # The check is of the graph; a GPU may be busy with training.
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, errors = process.communicate(pickle.dumps(job), timeout_secs)
        ending = _ending(process.returncode, errors)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        ending = f"no answer within {timeout_secs:g} s"
    answers = _read_answers(output)
    load_error = answers[0] if answers else ProcessDiedError(ending)
    if load_error is not None:
        return load_error, []
    missing = len(requests) - len(answers[1:])
    return None, answers[1:] + [ProcessDiedError(ending)] * missing


def _ending(code: int, errors: bytes) -> str:
    """How a process ended, in words."""
    last = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
    return f"its process ended with {how}" + "".join(f": {line}" for line in last)


def _read_answers(output: bytes) -> list:
    """The pickles that a process wrote, but for one that was cut short."""
    answers, stream = [], io.BytesIO(output)
    while True:
        try:
            answers.append(pickle.load(stream))
        except (EOFError, pickle.UnpicklingError):
            return answers
