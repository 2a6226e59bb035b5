"""Sends the cases of rest.toml to a server's REST port and compares its answers."""

import http.client
import json
import tomllib

import numpy as np

PATIENCE_SECS = 30
PLACEHOLDERS = {
    "@latent63@": [0.0] * 63,
    "@latent@": np.random.RandomState(0).randn(64).tolist(),
    "@pose@": np.ones((32, 32, 4)).tolist(),
}


def read_cases(path):
    """The cases of a file, as its entries."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["case"]


def ask(address, case):
    """Status, headers and text of the answer to a case's request."""
    body = case.get("body", "")
    for name, values in PLACEHOLDERS.items():
        body = body.replace(name, json.dumps(values))
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECS)
    try:
        if "get" in case:
            connection.request("GET", case["get"])
        else:
            connection.request("POST", case["post"], body.encode())
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read().decode()
    finally:
        connection.close()


def faults_of(case, status, headers, text):
    """How an answer differs from what is expected; empty where it does not."""
    length = len(text.encode())
    content_type = "text/html" if text.startswith("<") else "application/json"
    equal = (
        status == case["status"]
        and text == case.get("answer", text)
        and text.startswith(case.get("starts", ""))
        and case.get("contains", "") in text
        and length == case.get("bytes", length)
        and headers.get("Content-Type") == content_type
        and headers.get("Content-Length") == str(length)
    )
    return [] if equal else [f"{status} {headers} {text!r}"]


def faults_of_cases(address, path):
    """(name, faults) of each case of a file, asked in their order."""
    for case in read_cases(path):
        yield case["name"], faults_of(case, *ask(address, case))
