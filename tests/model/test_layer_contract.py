"""Every registered layer and block through one contract."""

import pytest
from tensorflow import keras

import psgan_tf.model.networks  # noqa: F401  registers all layers
from layer_contract import FRAME_PX, check_layer
from psgan_tf.model.blocks import (
    DiscriminatorBlock,
    DiscriminatorHead,
    GeneratorBlock,
    GeneratorInputBlock,
)
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.layers import EqualizedConv2D, EqualizedDense, LatentProjection, PoseConv2D

# C(4) = 6, C(8) = 4, and 6 again for the width of the discriminator's dense layer.
CONFIG = NetworkConfig(
    resolution=8,
    num_keypoints=3,
    keypoint_frame=FRAME_PX,
    latent_size=5,
    fmap_base=16,
    fmap_max=6,
    pose_resolutions=(4, 8),
)

CASES = {
    EqualizedDense: {
        "kwargs": {"units": 4, "gain": 1.0},
        "input_shape": (3,),
        "output_shape": (4,),
        "weight_shapes": [(3, 4), (4,)],
    },
    LatentProjection: {
        "kwargs": {"filters": 3},
        "input_shape": (5,),
        "output_shape": (4, 4, 3),
        "weight_shapes": [(5, 48), (3,)],
    },
    EqualizedConv2D: {
        "kwargs": {"filters": 4, "kernel_size": 3, "gain": 0.5},
        "input_shape": (6, 8, 2),
        "output_shape": (6, 8, 4),
        "weight_shapes": [(3, 3, 2, 4), (4,)],
    },
    PoseConv2D: {
        "kwargs": {"filters": 4, "num_keypoints": 3, "keypoint_frame": FRAME_PX},
        "input_shape": (8, 8, 2),
        "output_shape": (8, 8, 4),
        "weight_shapes": [(3, 3, 5, 4), (4,)],
        "num_keypoints": 3,
    },
    GeneratorInputBlock: {
        "kwargs": {"resolution": 4, "config": CONFIG},
        "input_shape": (5,),
        "output_shape": (4, 4, 6),
        "weight_shapes": [(5, 96), (6,), (3, 3, 9, 6), (6,), (1, 1, 6, 3), (3,)],
        "num_keypoints": 3,
        "unused": ("to_rgb",),
    },
    GeneratorBlock: {
        "kwargs": {"resolution": 8, "config": CONFIG},
        "input_shape": (4, 4, 6),
        "output_shape": (8, 8, 4),
        "weight_shapes": [(3, 3, 9, 4), (4,), (3, 3, 4, 4), (4,), (1, 1, 4, 3), (3,)],
        "num_keypoints": 3,
        "unused": ("to_rgb",),
    },
    DiscriminatorBlock: {
        "kwargs": {"resolution": 8, "config": CONFIG},
        "input_shape": (8, 8, 4),
        "output_shape": (4, 4, 6),
        "weight_shapes": [(1, 1, 3, 4), (4,), (3, 3, 7, 4), (4,), (3, 3, 4, 6), (6,)],
        "num_keypoints": 3,
        "unused": ("from_rgb",),
    },
    DiscriminatorHead: {
        "kwargs": {"resolution": 4, "config": CONFIG},
        "input_shape": (4, 4, 6),
        "output_shape": (),
        "weight_shapes": [(1, 1, 3, 6), (6,), (3, 3, 10, 6), (6,), (96, 6), (6,), (6, 1), (1,)],
        "num_keypoints": 3,
        "unused": ("from_rgb",),
        "mixed_output": "float32",
    },
}


@pytest.mark.parametrize("layer_class", CASES, ids=lambda layer_class: layer_class.__name__)
def test_the_layer_keeps_the_contract(layer_class, tmp_path):
    case = dict(CASES[layer_class])
    check_layer(layer_class, case.pop("kwargs"), directory=tmp_path, **case)


def test_the_pose_layer_without_a_pose_keeps_it_too(tmp_path):
    kwargs = {"filters": 4, "num_keypoints": 0, "keypoint_frame": FRAME_PX}
    shapes = {"input_shape": (8, 8, 2), "output_shape": (8, 8, 4)}
    check_layer(
        PoseConv2D, kwargs, weight_shapes=[(3, 3, 2, 4), (4,)], directory=tmp_path, **shapes
    )


def test_every_registered_layer_is_under_the_contract():
    registered = {
        item
        for name, item in keras.saving.get_custom_objects().items()
        if name.startswith("psgan_tf>")
    }
    assert registered == set(CASES)
