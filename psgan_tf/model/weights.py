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
    """What `map_weights` needs to know of a network: its shape, and what its planes mean.

    Args:
        network: the networks' shape.
        keypoints: names of the pose planes in order, as many as the network has.
    """

    network: NetworkConfig
    keypoints: tuple[str, ...]

    def planes_at(self, resolution: int) -> tuple[str, ...]:
        """Names of the planes that join the features at a resolution."""
        return self.keypoints[: self.network.num_keypoints_at(resolution)]


def map_weights(
    source: Mapping[str, np.ndarray],
    target: Mapping[str, np.ndarray],
    source_architecture: Architecture,
    target_architecture: Architecture,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Weights of one architecture carried over to another, by name.

    A weight of the same name and shape is taken as it is. A kernel that reads pose planes takes
    the features' part and the planes of keypoints that both schemas name; its values are rescaled
    where the number of planes differs, because the equalized scale counts planes too, so that
    what is taken computes what it did. All else keeps the target's own values.

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
            mapped = _map_pose_kernel(mapped, own, *planes)
        if mapped is not None and mapped.shape == own.shape:
            result[name] = mapped
            taken.append(name)
    return result, taken


def _map_pose_kernel(
    source: np.ndarray,
    target: np.ndarray,
    source_planes: tuple[str, ...],
    target_planes: tuple[str, ...],
) -> np.ndarray | None:
    """A [3, 3, C + M, F] kernel with other planes; None where the features differ as well."""
    features = source.shape[2] - len(source_planes)
    if features != target.shape[2] - len(target_planes) or source.shape[3] != target.shape[3]:
        return None
    rescale = math.sqrt(target.shape[2] / source.shape[2])
    mapped = target.copy()
    mapped[:, :, :features] = source[:, :, :features] * np.float32(rescale)
    for row, name in enumerate(target_planes):
        if name in source_planes:
            plane = source[:, :, features + source_planes.index(name)]
            mapped[:, :, features + row] = plane * np.float32(rescale)
    return mapped
