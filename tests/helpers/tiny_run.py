"""A tiny run as training leaves it, and a model exported from it; for tests of what comes after."""

import json

import numpy as np

from psgan_tf.training.checkpoints import CheckpointStore
from psgan_tf.training.config import to_json
from tiny_data import make_trainer, tiny_config, write_dataset

# In pixels of the 16 x 16 frame; the last keypoint is not visible.
POSE = np.array([[4.0, 4.0, 1], [8.5, 9.0, 1], [12.0, 3.0, 0]], np.float32)


def write_run(directory, *, num_keypoints=3, images_shown=(20,), phase_index=1, **changes):
    """A run directory with data and a checkpoint at each of `images_shown`, never trained.

    Args:
        directory: an empty folder; gets `data` and `run`.
        num_keypoints: 3, or 0 for a network without poses.
        images_shown: by default in the middle of the fade to 8 x 8, at alpha 0.25.
        phase_index: of the last batch; 0 is 4 x 4, 1 the fade to 8 x 8, 2 what follows.
        changes: of `tiny_config`.

    Returns:
        The run's directory.
    """
    run_dir = directory / "run"
    run_dir.mkdir()
    card = write_dataset(directory / "data")
    config = tiny_config(directory / "data", run_dir, num_keypoints=num_keypoints, **changes)
    (run_dir / "options.json").write_text(to_json(config))
    card.save(run_dir)
    trainer = make_trainer(config, dtype=config.dtype_policy)
    store = CheckpointStore(run_dir, trainer.state, keep=len(images_shown))
    for images in images_shown:
        trainer.state.images_shown.assign(images)
        trainer.state.phase_index.assign(phase_index)
        store.save()
    return run_dir


def write_poses(path, frames, **more):
    names = ["root", "left", "right"]
    document = {"schema": "tail3", "keypoints": names, "image_size": [16, 16], **more}
    path.write_text(json.dumps(document | {"frames": np.asarray(frames).tolist()}))
    return path


def moved(count):
    """The tiny pose, further down in each frame."""
    frames = np.repeat(POSE[None], count, axis=0)
    frames[..., 1] += 0.5 * np.arange(count)[:, None]
    return frames
