"""The check finds in really broken models what a C++ server would stumble over."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from export.saved_model.check.graph_scan import read_meta_graph
from export.saved_model.check.job import Request
from export.saved_model.check.load_check import ProcessDiedError, check_saved_model, run_requests
from run_programs import REPOSITORY, run

CHECK = "export.check_saved_model"
PICTURE = tf.TensorSpec([None, 4, 4, 3], tf.float32, "x")


def save(directory, *, jit_compile=None, **functions):
    """A SavedModel with one signature a function, of one input `x`, beside one that works."""
    model = tf.Module()
    model.weight = tf.Variable(2.0)
    functions["works"] = lambda x: x * model.weight
    signatures = {
        name: tf.function(
            lambda x, function=function: {"y": function(x)},
            input_signature=[PICTURE],
            autograph=False,
            jit_compile=jit_compile if name != "works" else None,
        )
        for name, function in functions.items()
    }
    tf.saved_model.save(model, str(directory), signatures=signatures)
    return directory


def verdicts(report):
    return {signature.name: not signature.error for signature in report.signatures}


def test_a_model_that_answers_has_a_line_a_signature_and_no_problem(tmp_path):
    report = check_saved_model(save(tmp_path / "m", doubles=lambda x: x + x), batch_size=5)
    assert report.problems == []
    assert report.table() == (
        "doubles  ok  x float32 [5, 4, 4, 3]  ->  y float32 [5, 4, 4, 3]\n"
        "works    ok  x float32 [5, 4, 4, 3]  ->  y float32 [5, 4, 4, 3]"
    )


def test_functions_that_call_python_are_found_and_fail_as_on_a_server(tmp_path):
    save(
        tmp_path / "m",
        eager=lambda x: tf.py_function(lambda v: v, [x], tf.float32),
        plain=lambda x: tf.numpy_function(lambda v: v, [x], tf.float32),
        # Deep in a branch of a loop of another function.
        hidden=lambda x: tf.map_fn(
            lambda v: tf.cond(
                tf.reduce_sum(v) > 9e9,
                lambda: tf.numpy_function(np.negative, [v], tf.float32, stateful=False),
                lambda: v,
            ),
            x,
        ),
    )
    report = check_saved_model(tmp_path / "m")
    answered = verdicts(report)
    assert (answered["works"], answered["eager"], answered["plain"]) == (True, False, False)
    found = "\n".join(report.findings)
    for op in ("EagerPyFunc", "PyFunc", "PyFuncStateless"):
        assert f"{op} calls Python, which no server has, in function" in found
    errors = {signature.name: signature.error for signature in report.signatures}
    # The very text of the stock server.
    assert errors["eager"].startswith(
        "INVALID_ARGUMENT: No OpKernel was registered to support Op 'EagerPyFunc'"
    )


def test_functions_that_must_be_compiled_are_found(tmp_path):
    save(tmp_path / "m", compiled=lambda x: x * 3.0, jit_compile=True)
    report = check_saved_model(tmp_path / "m")
    assert report.findings
    for finding in report.findings:
        assert finding.startswith("jit_compile asks for XLA, which servers leave off, in function")


def test_a_python_function_that_no_signature_reaches_is_no_problem(tmp_path):
    class Model(tf.Module):
        @tf.function(input_signature=[PICTURE])
        def debug(self, x):
            return tf.py_function(lambda v: v, [x], tf.float32)

        @tf.function(input_signature=[PICTURE])
        def serve(self, x):
            return {"y": x + 1.0}

    model = Model()
    tf.saved_model.save(model, str(tmp_path / "m"), signatures=model.serve)
    assert b"EagerPyFunc" in (tmp_path / "m" / "saved_model.pb").read_bytes()
    assert check_saved_model(tmp_path / "m").problems == []


def test_custom_ops_stop_the_load(tmp_path):
    save(tmp_path / "m", warped=lambda x: tfa.image.resampler(x, tf.zeros([1, 4, 4, 2])))
    report = check_saved_model(tmp_path / "m")
    assert "custom op Addons>Resampler, in " in report.findings[0]
    assert report.signatures == []
    assert report.load_error.startswith(
        "NOT_FOUND: Op type not registered 'Addons>Resampler' in binary running on"
    )


@pytest.mark.parametrize(
    ("lost", "finding", "load_error"),
    [
        ("variables", "no file variables/variables.index with their values", ""),
        ("variables/variables.data-00000-of-00001", "0 of 1 files variables.data-*", "NOT_FOUND: "),
    ],
)
def test_variables_whose_values_are_gone_are_found(tmp_path, lost, finding, load_error):
    path = save(tmp_path / "m") / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    report = check_saved_model(tmp_path / "m")
    assert finding in report.findings[0]
    assert report.load_error.startswith(load_error)
    # Without the folder the model loads, and only the first request fails.
    assert len(report.problems) == 2
    if not load_error:
        assert report.signatures[0].error.startswith("FAILED_PRECONDITION: Could not find variable")


def test_a_model_that_never_answers_is_given_up_and_its_process_ended(tmp_path):
    save(
        tmp_path / "m",
        endless=lambda x: tf.while_loop(lambda v: tf.reduce_sum(v) > -1, lambda v: [v * 0], [x])[0],
    )
    report = check_saved_model(tmp_path / "m", timeout_secs=8)
    assert "no answer within 8 s" in report.problems[0]


def aborting(x):
    with tf.control_dependencies([tf.raw_ops.Abort(error_msg="as a fault of TensorFlow would")]):
        return tf.identity(x)


def test_a_process_that_dies_is_told_from_one_that_answers(tmp_path):
    directory = save(tmp_path / "m", aborts=aborting)
    signatures = read_meta_graph(directory).signature_def
    ones = np.ones([1, 4, 4, 3], np.float32)

    def request(name):
        return Request({f"{name}_x:0": ones}, [signatures[name].outputs["y"].name])

    requests = [
        request("works"),
        Request({"works_x:0": ones}, ["no_such_node:0"]),
        request("aborts"),
        request("works"),
    ]
    load_error, answers = run_requests(directory, requests)
    assert load_error is None
    np.testing.assert_array_equal(answers[0], [2 * ones])
    assert str(answers[1]) == "NOT_FOUND: FetchOutputs node no_such_node:0: not found"
    for answer in answers[2:]:
        assert isinstance(answer, ProcessDiedError)
        assert "its process ended with signal SIGABRT" in str(answer)


def test_the_process_that_runs_the_model_has_no_tensorflow_python(tmp_path):
    program = (
        "import sys\n"
        "from export.tensorflow_c.session import Session\n"
        "session = Session(sys.argv[1])\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in "
        "('tensorflow', 'keras', 'psgan_tf')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(save(tmp_path / "m"))],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_the_program_ends_with_0_only_where_a_server_would_take_the_model(tmp_path):
    status, printed = run(CHECK, str(save(tmp_path / "good")))
    assert (status, printed) == (
        0,
        "works  ok  x float32 [1, 4, 4, 3]  ->  y float32 [1, 4, 4, 3]\n",
    )
    save(tmp_path / "bad", eager=lambda x: tf.py_function(lambda v: v, [x], tf.float32))
    status, printed = run(CHECK, str(tmp_path / "bad"), "--batch_size=2")
    assert status == 1
    assert "\nproblem: signature eager failed: INVALID_ARGUMENT: No OpKernel" in printed
    assert printed.splitlines()[-1] == (
        f"check_saved_model: {tmp_path / 'bad'}: 2 problems, see above"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "`directory` must be a version folder of a SavedModel"),
        (b"no protocol buffer", "is broken: no SavedModel can be read from it"),
        (b"", "must hold a graph of the tag `serve`. Received: []"),
    ],
)
def test_what_is_no_saved_model_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        check_saved_model(tmp_path)


def test_the_program_wants_a_directory():
    assert run(CHECK) == (1, "check_saved_model: `DIR` must be given. See --help.\n")
