"""The process that loads a SavedModel by the C API: `load_check` starts it.

Standard input: a pickled `Job`. Standard output: a pickle for each answer, as soon as there is
one: None or a StatusError for the load, then a list of arrays or a StatusError a request.
"""

from __future__ import annotations

import pickle
import sys

from export.saved_model.check.job import Job
from export.tensorflow_c.session import Session
from export.tensorflow_c.status import StatusError


def _answer(value: object) -> None:
    pickle.dump(value, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def main() -> None:
    """Loads, then answers one request after the other."""
    job: Job = pickle.load(sys.stdin.buffer)
    try:
        session = Session(job.directory)
    except StatusError as error:
        _answer(error)
        return
    _answer(None)
    for request in job.requests:
        try:
            _answer(session.run(request.feeds, request.fetches))
        except StatusError as error:
            _answer(error)
    assert "tensorflow" not in sys.modules, "it would register kernels that no server has"


if __name__ == "__main__":
    main()
