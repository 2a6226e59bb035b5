"""Arithmetic of a graph: operations of its convolutions and matrix products.

Counted in the graph that was traced, so that each form of the networks, and the peer, is counted
as it computes. What nothing needs, such as half of the gradients that TensorFlow always makes in
pairs, is left out, as it is when the graph runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Shape = tuple[int, ...]


def _shapes(attributes: Mapping[str, Any]) -> list[Shape]:
    """The shapes of a node's outputs; unknown sizes are negative."""
    shapes = attributes["_output_shapes"].list.shape
    return [tuple(dim.size for dim in shape.dim) for shape in shapes]


def _product_flops(first: Shape, result: Shape, first_is_transposed: bool) -> int:
    summed = first[-2] if first_is_transposed else first[-1]
    return 2 * summed * math.prod(result)


def node_flops(node: Any, inputs: list[Shape], result: Shape) -> int:
    """Floating-point operations of one node, a multiplication and an addition counting as two.

    Args:
        node: a NodeDef.
        inputs: shapes of its inputs.
        result: shape of its first output.
    """
    match node.op:
        case "Conv2D":
            return 2 * math.prod(inputs[1][:3]) * math.prod(result)
        case "Conv2DBackpropInput":
            return 2 * math.prod(inputs[1][:3]) * math.prod(inputs[2])
        case "Conv2DBackpropFilter":
            return 2 * math.prod(result[:3]) * math.prod(inputs[2])
        case "MatMul":
            return _product_flops(inputs[0], result, node.attr["transpose_a"].b)
        case "BatchMatMulV2":
            return _product_flops(inputs[0], result, node.attr["adj_x"].b)
    return 0


class _Function:
    """A graph or a function of it: its nodes by name, and the shapes of its arguments."""

    def __init__(self, nodes: Iterable[Any], argument_shapes: Mapping[str, Shape]) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._arguments = argument_shapes

    def shape(self, reference: str) -> Shape:
        """The shape of `node`, `node:1` or `node:output:1`, or of an argument."""
        name, *output = reference.split(":")
        if name in self._arguments:
            return self._arguments[name]
        return _shapes(self._nodes[name].attr)[int(output[-1]) if output else 0]

    def needed(self, roots: Iterable[str]) -> list[Any]:
        """The nodes that the roots depend on, themselves among them."""
        waiting = [name for name in roots if name in self._nodes]
        found = set(waiting)
        while waiting:
            for reference in self._nodes[waiting.pop()].input:
                name = reference.lstrip("^").split(":")[0]
                if name in self._nodes and name not in found:
                    found.add(name)
                    waiting.append(name)
        return [self._nodes[name] for name in found]

    def flops(self, roots: Iterable[str], flops_of_function: Callable[[str], int]) -> int:
        """Operations of what the roots need."""
        total = 0
        for node in self.needed(roots):
            called = {value.func.name for value in node.attr.values() if value.func.name}
            total += sum(flops_of_function(name) for name in sorted(called))
            if node.op in ("Conv2D", "MatMul", "BatchMatMulV2") or "Backprop" in node.op:
                inputs = [self.shape(name) for name in node.input if not name.startswith("^")]
                total += node_flops(node, inputs, _shapes(node.attr)[0])
        return total


def graph_flops(graph_def: Any, roots: Iterable[str]) -> int:
    """Floating-point operations of one run of a graph.

    Args:
        graph_def: from `graph.as_graph_def(add_shapes=True)`, all shapes known.
        roots: names of the nodes that are run.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}

    def of_function(name: str) -> int:
        function = functions[name]
        arguments = {
            argument.name: _shapes(function.arg_attr[index].attr)[0]
            for index, argument in enumerate(function.signature.input_arg)
            if "_output_shapes" in function.arg_attr[index].attr
        }
        ends = [*function.ret.values(), *function.control_ret.values()]
        body = _Function(function.node_def, arguments)
        return body.flops({end.split(":")[0] for end in ends}, of_function)

    return _Function(graph_def.node, {}).flops(roots, of_function)


def function_flops(function: Any, *arguments: Any) -> int:
    """Floating-point operations of one call of a `tf.function`, which is traced for this."""
    concrete = function.get_concrete_function(*arguments)
    graph = concrete.graph
    ends = [tensor.op.name for tensor in concrete.outputs]
    ends += [operation.name for operation in graph.control_outputs]
    return graph_flops(graph.as_graph_def(add_shapes=True), ends)
