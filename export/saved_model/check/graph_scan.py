"""Finds in a SavedModel what loads but cannot be served, before a server meets it.

Loading passes over all of these and only the first request fails, but for custom ops and a
missing data file, which stop the load.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.framework import attr_value_pb2, function_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

_PYTHON_OPS = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_CUSTOM_OPS = "Addons>"
_XLA = "jit_compile asks for XLA, which servers leave off"


def read_meta_graph(directory: str | Path) -> meta_graph_pb2.MetaGraphDef:
    """The graph that servers load: that of the tag `serve`.

    Raises:
        ValueError: the directory holds no SavedModel, a broken one, or none with that tag.
    """
    path = Path(directory) / "saved_model.pb"
    try:
        saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            "`directory` must be a version folder of a SavedModel. "
            f"Received: {str(directory)!r}, with no saved_model.pb. Name the folder that holds it."
        ) from None
    except DecodeError:
        raise ValueError(f"`{path}` is broken: no SavedModel can be read from it.") from None
    for meta_graph in saved.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == {"serve"}:
            return meta_graph
    tags = [list(meta_graph.meta_info_def.tags) for meta_graph in saved.meta_graphs]
    raise ValueError(f"`{path}` must hold a graph of the tag `serve`. Received: {tags}.")


def scan(directory: str | Path, meta_graph: meta_graph_pb2.MetaGraphDef) -> list[str]:
    """What a server would stumble over; one sentence each, empty when there is nothing.

    Args:
        directory: of the SavedModel.
        meta_graph: as `read_meta_graph` gives it.
    """
    functions = _reachable_functions(meta_graph.graph_def)
    places = [("the graph", meta_graph.graph_def.node)]
    places += [(f"function {f.signature.name}", f.node_def) for f in functions]
    found = {f"{problem}, in {place}" for place, nodes in places for problem in _problems(nodes)}
    found |= {f"{_XLA}, in function {f.signature.name}" for f in functions if _needs_xla(f)}
    # Custom ops stop the load wherever they are, called or not.
    for function in meta_graph.graph_def.library.function:
        found |= {
            f"custom op {node.op}, in function {function.signature.name}"
            for node in function.node_def
            if node.op.startswith(_CUSTOM_OPS)
        }
    return sorted(found) + _missing_variables(Path(directory), meta_graph)


def _problems(nodes: Iterable[node_def_pb2.NodeDef]) -> Iterator[str]:
    for node in nodes:
        if node.op in _PYTHON_OPS:
            yield f"{node.op} calls Python, which no server has"
        elif node.op.startswith(_CUSTOM_OPS):
            yield f"custom op {node.op}"
        if _needs_xla(node):
            yield _XLA


def _needs_xla(item: node_def_pb2.NodeDef | function_pb2.FunctionDef) -> bool:
    return item.attr["_XlaMustCompile"].b


def _called(nodes: Iterable[node_def_pb2.NodeDef]) -> Iterator[str]:
    """Names of the functions that nodes call."""

    def names(value: attr_value_pb2.AttrValue) -> Iterator[str]:
        yield value.func.name
        yield from (function.name for function in value.list.func)

    for node in nodes:
        yield node.op
        for value in node.attr.values():
            yield from names(value)


def _reachable_functions(graph) -> list[function_pb2.FunctionDef]:
    """The functions that the graph calls, directly or through others."""
    library = {function.signature.name: function for function in graph.library.function}
    reached: dict[str, function_pb2.FunctionDef] = {}
    waiting = [*_called(graph.node)]
    while waiting:
        name = waiting.pop()
        if name in library and name not in reached:
            reached[name] = library[name]
            waiting += _called(library[name].node_def)
    return list(reached.values())


def _missing_variables(directory: Path, meta_graph: meta_graph_pb2.MetaGraphDef) -> list[str]:
    """What lacks of the files with the variables' values."""
    names = [node.name for node in meta_graph.graph_def.node if node.op == "VarHandleOp"]
    folder = directory / "variables"
    if not names:
        return []
    if not (folder / "variables.index").is_file():
        return [f"{len(names)} variables, but no file variables/variables.index with their values"]
    shards = [
        found
        for path in folder.glob("variables.data-*")
        if (found := re.fullmatch(r"variables\.data-(\d{5})-of-(\d{5})", path.name))
    ]
    total = max((int(shard[2]) for shard in shards), default=1)
    if len(shards) < total:
        return [f"{len(names)} variables, but {len(shards)} of {total} files variables.data-*"]
    return []
