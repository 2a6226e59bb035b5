"""Weights by readable name: a plain dict of numpy arrays, for tests, inspection and migration.

Names are `generator/64x64/conv0/kernel` and the like.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.layers import HE_GAIN
from psgan_tf.model.networks import GrowingNetwork


def named_variables(network: GrowingNetwork) -> dict[str, tf.Variable]:
    """The network's variables by name, in the order in which blocks grow."""
    variables = {v.name.removesuffix(":0"): v for v in network.trainable_variables}
    assert len(variables) == len(network.trainable_variables), "two variables of one name"
    return variables


def dump_weights(network: GrowingNetwork) -> dict[str, np.ndarray]:
    """The network's weights by name."""
    return {name: v.numpy() for name, v in named_variables(network).items()}


def load_weights(network: GrowingNetwork, weights: Mapping[str, np.ndarray]) -> None:
    """Sets all weights of a network.

    Args:
        network: receives the weights.
        weights: arrays by name, as `dump_weights` gives them.

    Raises:
        ValueError: when a name is missing or unknown, or a shape differs; nothing is set then.
    """
    variables = named_variables(network)
    differing = sorted(variables.keys() ^ weights.keys())
    differing += [
        name
        for name, variable in variables.items()
        if name in weights and tuple(variable.shape) != np.shape(weights[name])
    ]
    if differing:
        others = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
        raise ValueError(
            "`weights` must hold exactly the network's weights. Received other names or shapes: "
            f"{', '.join(differing[:5])}{others}. "
            "Use map_weights to carry weights over to another architecture."
        )
    for name, variable in variables.items():
        variable.assign(weights[name])


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Architecture for `map_weights`: a network's shape, and what its planes mean.

    Args:
        network: the networks' shape.
        keypoints: names of the pose planes in order, as many as the network has.
    """

    network: NetworkConfig
    keypoints: tuple[str, ...]

    def planes_at(self, resolution: int) -> tuple[str, ...]:
        """Names of the planes that join the features at a resolution."""
        if not self.network.pose_planes_at(resolution):
            return ()
        names, count = self.keypoints[: self.network.num_keypoints], self.network.limb_points
        return names + tuple(
            f"{names[a]}-{names[b]} {i + 1}/{count + 1}"
            for a, b in self.network.limbs
            for i in range(count)
        )


def map_weights(
    source: Mapping[str, np.ndarray],
    target: Mapping[str, np.ndarray],
    source_architecture: Architecture,
    target_architecture: Architecture,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Weights of one architecture carried over to another, by name.

    A weight of the same name and shape is taken as it is. A kernel that reads pose planes takes
    the features' part and the planes of keypoints that both schemas name; its values are rescaled
    where the number of planes differs, because the equalized scale counts planes too, and where
    the values of pose maps differ, together with its bias, so that what is taken computes what it
    did (but at the border, where maps end). All else keeps the target's own values.

    Args:
        source: weights to take, by name.
        target: weights of the network to be, by name.
        source_architecture, target_architecture: of the two.

    Returns:
        The target's weights with what could be taken, and the names that were taken.
    """
    result, taken = dict(target), []
    for name, own in target.items():
        mapped = source.get(name)
        if mapped is not None and name.endswith("/conv0/kernel"):
            resolution = int(name.split("/")[-3].split("x")[0])
            planes = (a.planes_at(resolution) for a in (source_architecture, target_architecture))
            values = (
                a.network.pose_values(resolution)
                for a in (source_architecture, target_architecture)
            )
            mapped, shift = _map_pose_kernel(mapped, own, *planes, *values)
            bias_name = name.removesuffix("kernel") + "bias"
            if mapped is not None and np.any(shift):
                source = {**source, bias_name: source[bias_name] + shift}
        if mapped is not None and mapped.shape == own.shape:
            result[name] = mapped
            taken.append(name)
    return result, taken


def _map_pose_kernel(
    source: np.ndarray,
    target: np.ndarray,
    source_planes: tuple[str, ...],
    target_planes: tuple[str, ...],
    source_values: tuple[float, float],
    target_values: tuple[float, float],
) -> tuple[np.ndarray | None, np.ndarray | float]:
    """A [3, 3, C + M, F] kernel with other planes, and what its bias [F] has to gain.

    The kernel is None where the features differ as well.
    """
    features = source.shape[2] - len(source_planes)
    if features != target.shape[2] - len(target_planes) or source.shape[3] != target.shape[3]:
        return None, 0.0
    rescale = math.sqrt(target.shape[2] / source.shape[2])
    # What a map is more in its point's pixel than elsewhere: that much less the weight.
    (source_empty, source_there), (target_empty, target_there) = source_values, target_values
    louder = (source_there - source_empty) / (target_there - target_empty)
    mapped = target.copy()
    mapped[:, :, :features] = source[:, :, :features] * np.float32(rescale)
    common = [row for row, name in enumerate(target_planes) if name in source_planes]
    for row in common:
        plane = source[:, :, features + source_planes.index(target_planes[row])]
        mapped[:, :, features + row] = plane * np.float32(rescale * louder)
    if source_values == target_values or not common:
        return mapped, 0.0
    # Empty maps add their value times the sum of their weights, which are now others.
    rows = [features + row for row in common]
    summed = mapped[:, :, rows].sum(axis=(0, 1, 2)) * HE_GAIN / math.sqrt(9 * target.shape[2])
    return mapped, (source_empty / louder - target_empty) * summed
