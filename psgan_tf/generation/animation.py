"""Characters in a sequence of poses, drawn batch by batch and handed on frame by frame.

Knows no network: what draws is a `Painter`, and what writes are the writers of `video/`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.common.progress import Pace
from psgan_tf.generation.backends.protocol import Painter, batches_of
from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.generation.pose_sequences import PoseSequence
from psgan_tf.generation.pose_spec import PoseSpec
from psgan_tf.images.matting import LEAST_WHITE, cut_out
from psgan_tf.images.pictures import Pixels, enlarged
from psgan_tf.keypoints.drawing import skeleton_picture
from psgan_tf.keypoints.schema import Keypoints
from psgan_tf.video.frames import Frame
from psgan_tf.video.outputs import Outputs

BACKGROUNDS = ("white", "transparent")

# Smaller pictures are enlarged to at least this, unless the user says by how much.
_LEAST_SIDE_PX = 256


class SkeletonBackend:
    """Draws the poses alone, for a look before the network is asked.

    Args:
        pose_spec: what keypoints are measured in.
        size_px: the pictures' width and height.
    """

    def __init__(self, pose_spec: PoseSpec, size_px: int) -> None:
        self._pose_spec = pose_spec
        self.resolution = size_px

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """Skeletons on white; `latents` do not matter."""
        del latents
        skeleton, frame_px = self._pose_spec.skeleton, self._pose_spec.frame_px
        return np.stack(
            [skeleton_picture(pose, skeleton, frame_px, self.resolution) for pose in keypoints]
        )


@dataclass(frozen=True)
class FrameStyle:
    """What becomes of a picture before it is a frame.

    Attributes:
        scale: each pixel becomes a square of so many; 0 for pictures of 256 px or more.
        background: `white`, or `transparent` by matting.
        clear_gaps: matting makes enclosed white transparent too.
        least_white: what matting takes for white.
        side_by_side: the skeleton is shown on the left.
    """

    scale: int = 0
    background: str = "white"
    clear_gaps: bool = False
    least_white: int = LEAST_WHITE
    side_by_side: bool = False

    def factor(self, resolution: int) -> int:
        """By how much pictures are enlarged."""
        return self.scale or max(1, -(-_LEAST_SIDE_PX // resolution))


@dataclass(frozen=True, eq=False)
class AnimationSpec:
    """All that decides an animation's frames.

    Attributes:
        pose_spec: what the poses are measured in.
        sequence: F poses.
        latents: [F, Z], the character in each frame.
        look: what becomes of pictures.
        names: what frames' text fields and settings say of character, motion and model.
    """

    pose_spec: PoseSpec
    sequence: PoseSequence
    latents: Latents
    look: FrameStyle
    names: dict[str, str]

    def settings(self) -> dict[str, Any]:
        """JSON values by which a stopped job knows its own frames again."""
        digest = hashlib.sha256(self.sequence.keypoints.tobytes() + self.latents.tobytes())
        return {
            **self.names,
            "frames": self.sequence.num_frames,
            "scale": self.look.scale,
            "background": self.look.background,
            "clear_gaps": self.look.clear_gaps,
            "least_white": self.look.least_white,
            "side_by_side": self.look.side_by_side,
            "poses_and_latents": digest.hexdigest(),
        }

    def frame(self, number: int, picture: Pixels) -> Frame:
        """The picture of pose `number` (from 0) as a frame."""
        look = self.look
        transparent = look.background == "transparent"
        if transparent:
            picture = cut_out(picture, look.clear_gaps, look.least_white)
        frame = enlarged(picture, look.factor(len(picture)))
        if not look.side_by_side:
            return frame
        keypoints = self.sequence.keypoints[number]
        skeleton = skeleton_picture(
            keypoints, self.pose_spec.skeleton, self.pose_spec.frame_px, len(frame)
        )
        if transparent:
            opaque = np.full([*skeleton.shape[:2], 1], 255, np.uint8)
            skeleton = np.concatenate([skeleton, opaque], axis=-1)
        return np.concatenate([skeleton, frame], axis=1)


@dataclass(frozen=True)
class AnimationResult:
    """What came of an animation.

    Attributes:
        frames: how many frames were written.
        drawn: how many of them were drawn now, rather than found from an earlier job.
        network_secs, secs: time in the painter, and in all.
        paths: what was written.
    """

    frames: int
    drawn: int
    network_secs: float
    secs: float
    paths: tuple[Path, ...]

    def text(self, total: int) -> str:
        """What to tell of it."""
        count = f"{self.frames}" if self.frames == total else f"{self.frames} of {total}"
        line = f"{count} frames in {', '.join(map(str, self.paths))}"
        if self.drawn:
            rate, share = self.drawn / self.secs, self.network_secs / self.secs
            line += f" ({self.drawn} drawn, {rate:.1f} a second, {share:.0%} of it the network's)"
        return line


class _Drawing:
    """Draws a scene, and knows how long that took.

    Args:
        scene: what to draw.
        painter: who draws.
        outputs: may hold some frames from an earlier job.
    """

    def __init__(self, scene: AnimationSpec, painter: Painter, outputs: Outputs) -> None:
        self._scene, self._painter, self._outputs = scene, painter, outputs
        self.network_secs, self.drawn = 0.0, 0

    def frames(self) -> Iterator[Frame]:
        """All frames in order; those of a batch that is stored are not drawn."""
        num_frames = self._scene.sequence.num_frames
        for batch in batches_of(num_frames, self._painter.resolution):
            stored = (self._outputs.stored(number + 1) for number in batch)
            found = [frame for frame in stored if frame is not None]
            if len(found) == len(batch):
                yield from found
            else:
                yield from map(self._scene.frame, batch, self._draw(batch))

    def _draw(self, batch: range) -> Pixels:
        start, part = time.perf_counter(), slice(batch.start, batch.stop)
        keypoints = self._scene.sequence.keypoints[part]
        pictures = self._painter.draw(self._scene.latents[part], keypoints)
        self.network_secs += time.perf_counter() - start
        self.drawn += len(batch)
        return pictures


def animate(
    scene: AnimationSpec,
    painter: Painter,
    paths: Sequence[Path],
    say: Callable[[str], None],
    stop: Callable[[], bool],
    repeat: bool = True,
) -> AnimationResult:
    """Draws a scene and writes it to all paths.

    When it is stopped, or drawing fails on the way, the frames so far are kept: see `Outputs`.

    Args:
        scene: what to draw.
        painter: who draws.
        paths: see `video.write_animation`; a folder gives what it has from an earlier job.
        say: takes each line of progress.
        stop: asked after each frame; when true the rest is left out.
        repeat: GIF, WebP and APNG play for ever.

    Raises:
        ValueError: an output is of no known kind or cannot be written.
        OSError: the disk failed or filled up.
    """
    start, total = time.perf_counter(), scene.sequence.num_frames
    outputs = Outputs(paths, scene.sequence.fps, repeat, scene.settings(), scene.names)
    drawing, pace = _Drawing(scene, painter, outputs), Pace(total)
    with outputs:
        for frame in drawing.frames():
            outputs.add(frame)
            if line := pace.line(outputs.count):
                say(f"frame {line}")
            if stop():
                break
        written = outputs.finish(outputs.count == total)
    secs = time.perf_counter() - start
    return AnimationResult(outputs.count, drawing.drawn, drawing.network_secs, secs, written)
