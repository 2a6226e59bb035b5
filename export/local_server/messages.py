"""The message classes of TensorFlow and TensorFlow Serving, without TensorFlow itself.

`tensorflow_serving.apis` takes its tensors from `tensorflow.core.framework`, and importing that
would load all of TensorFlow's Python: two seconds, 400 MB, and kernels for `py_function` that no
C++ server has, so that a model which cannot be served would seem to work here.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def use_messages_only() -> None:
    """Lets this process import TensorFlow's message classes, and nothing else of its Python.

    To be called by a program before anything imports `tensorflow`: an empty package of that name,
    which knows only where its submodules lie, takes its place.

    Raises:
        ValueError: when TensorFlow is not installed.
    """
    if "tensorflow" in sys.modules:
        return
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.submodule_search_locations is None:
        raise ValueError("The package tensorflow is not installed here; see BUILD.md.")
    package = types.ModuleType("tensorflow")
    package.__spec__ = spec
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["tensorflow"] = package
