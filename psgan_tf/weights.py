"""Weights by readable name: a plain dict of numpy arrays, for tests, inspection and migration.

Names are `generator/64x64/conv0/kernel` and the like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from psgan_tf.networks import GrowingNetwork


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


def map_weights(
    source: Mapping[str, np.ndarray],
    target: Mapping[str, np.ndarray],
    source_keypoints: tuple[str, ...],
    target_keypoints: tuple[str, ...],
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Weights of one architecture carried over to another, by name.

    A weight of the same name and shape is taken as it is. A kernel that reads another number of
    pose planes takes the features' part and the planes of keypoints that both schemas name; its
    values are rescaled, because the equalized scale counts planes too, so that what is taken
    computes what it did. All else keeps the target's own values.

    Args:
        source: weights to take, by name.
        target: weights of the network to be, by name.
        source_keypoints, target_keypoints: names of the planes, in order.

    Returns:
        The target's weights with what could be taken, and the names that were taken.
    """
    shared = [
        (source_keypoints.index(name), row)
        for row, name in enumerate(target_keypoints)
        if name in source_keypoints
    ]
    result, taken = {}, []
    for name, own in target.items():
        result[name] = own
        other = source.get(name)
        if other is None:
            continue
        if other.shape == own.shape and source_keypoints == target_keypoints:
            result[name] = other
        elif name.endswith("/conv0/kernel"):
            mapped = _map_pose_kernel(other, own, shared, source_keypoints, target_keypoints)
            if mapped is None:
                continue
            result[name] = mapped
        elif other.shape == own.shape:
            result[name] = other
        else:
            continue
        taken.append(name)
    return result, taken


def _map_pose_kernel(
    source: np.ndarray,
    target: np.ndarray,
    shared: list[tuple[int, int]],
    source_keypoints: tuple[str, ...],
    target_keypoints: tuple[str, ...],
) -> np.ndarray | None:
    """A [3, 3, C + M, F] kernel with other planes; None where the features differ as well."""
    for source_planes in (len(source_keypoints), 0):
        for target_planes in (len(target_keypoints), 0):
            features = source.shape[2] - source_planes
            if features != target.shape[2] - target_planes or source.shape[3] != target.shape[3]:
                continue
            rescale = math.sqrt(target.shape[2] / source.shape[2])
            mapped = target.copy()
            mapped[:, :, :features] = source[:, :, :features] * rescale
            if source_planes and target_planes:
                for source_row, target_row in shared:
                    plane = source[:, :, features + source_row] * rescale
                    mapped[:, :, features + target_row] = plane
            return mapped
    return None
