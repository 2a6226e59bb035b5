"""Animations of glTF files (VRM and VRMA included), sampled at even times.

Format: the Khronos glTF 2.0 specification, section 3.11 and appendix C (interpolation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psgan_tf.common.frame_rate import check_fps
from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.animated_rig import RigAnimation, check_animation_size
from psgan_tf.motion.gltf.document import Gltf
from psgan_tf.motion.motion import check_frame_count
from psgan_tf.motion.rig import Rig
from psgan_tf.motion.transforms import FloatArray, normalise_quaternions, slerp

_DEFAULT_FPS = 30.0
_PLAUSIBLE_FPS = (10.0, 240.0)

# Key times are float32; a key this near to a frame (in frames) is on it.
_FRAME_TOLERANCE = 0.02


@dataclass(frozen=True, eq=False)
class _Track:
    """One channel: what it moves, its K key times, its values and how they are joined."""

    node: int
    path: str
    times_secs: FloatArray
    values: FloatArray  # [K, k], or [K, 3, k] for CUBICSPLINE: in-tangent, value, out-tangent
    interpolation: str


def clip_names(gltf: Gltf) -> tuple[str, ...]:
    """The name of each animation, `clip<index>` where it has none; repeated names get numbers."""
    names: list[str] = []
    for index, animation in enumerate(gltf.items("animations")):
        raw = animation.get("name").raw
        name = raw if isinstance(raw, str) and raw else f"clip{index}"
        names.append(f"{name}.{index}" if name in names else name)
    return tuple(names)


def clip_index(gltf: Gltf, clip: str | None) -> int:
    """Which animation `clip` names; None means the only one.

    Raises:
        ValueError: no animation, no such name, or several and none named.
    """
    names = clip_names(gltf)
    listing = ", ".join(names[:100])
    if not names:
        raise ValueError(
            f"`{gltf.path.name}` must hold an animation. Received: a file without. "
            "Export it with its animations."
        )
    if clip is None:
        if len(names) > 1:
            raise ValueError(
                f"`clip` must name one of the {len(names)} animations of {gltf.path.name}. "
                f"Received: none. Choose from: {listing}."
            )
        return 0
    if clip not in names:
        raise ValueError(
            f"`clip` must name an animation of {gltf.path.name}. Received: {clip!r}. "
            f"Choose from: {listing}."
        )
    return names.index(clip)


def sample_clip(gltf: Gltf, rig: Rig, index: int, fps: float | None = None) -> RigAnimation:
    """Samples one animation of a file, from its first key to its last.

    Args:
        gltf: the file.
        rig: its rig, whose humanoid's nodes and their ancestors are sampled.
        index: which animation.
        fps: frames a second; None for the rate that the keys are set at, else 30.

    Raises:
        ValueError: the animation is damaged, or moves none of the rig's nodes.
    """
    needed = rig.humanoid_nodes
    tracks = _read_tracks(gltf, index, set(needed))
    if not tracks:
        raise ValueError(
            f"`{gltf.path.name}` must move the humanoid in clip {clip_names(gltf)[index]!r}. "
            "Received: no key on any of its bones. Choose another clip or give a bone map."
        )
    start = min(float(track.times_secs[0]) for track in tracks)
    end = max(float(track.times_secs[-1]) for track in tracks)
    if fps is None:
        fps = _key_rate(max(tracks, key=lambda track: len(track.times_secs)).times_secs)
    fps = check_fps(fps)
    num_keys = max(len(track.times_secs) for track in tracks)
    num_frames = check_frame_count(
        np.floor((end - start) * fps + _FRAME_TOLERANCE) + 1, num_keys, gltf.path.name
    )
    check_animation_size(num_frames, len(needed), sum(len(t.times_secs) for t in tracks), rig)
    times_secs = start + np.arange(num_frames) / fps
    rotations, translations = {}, {}
    for track in tracks:
        sampled = _sample(track, times_secs)
        if track.path == "rotation":
            rotations[track.node] = normalise_quaternions(sampled)
        else:
            translations[track.node] = sampled
    return RigAnimation(rig, fps, num_frames, rotations, translations)


def _read_tracks(gltf: Gltf, index: int, needed: set[int]) -> list[_Track]:
    """The rotation and translation tracks of the needed nodes; scales and weights are left out."""
    animation = gltf.items("animations")[index]
    samplers = animation["samplers"]
    tracks: dict[tuple[int, str], _Track] = {}
    for channel in animation["channels"]:
        target = channel["target"]
        path = target["path"].text()
        if path not in ("rotation", "translation") or "node" not in target:
            continue
        node = target["node"].index_of(gltf.items("nodes"))
        if node in needed:
            sampler = samplers[channel["sampler"].index_of(samplers)]
            tracks[node, path] = _read_track(gltf, node, path, sampler)
    return list(tracks.values())


def _read_track(gltf: Gltf, node: int, path: str, sampler: JsonValue) -> _Track:
    accessors = gltf.items("accessors")
    times = gltf.accessor(sampler["input"].index_of(accessors)).astype(np.float64)
    values = gltf.accessor(sampler["output"].index_of(accessors)).astype(np.float64)
    interpolation = sampler.get("interpolation", "LINEAR").text()
    if interpolation not in ("LINEAR", "STEP", "CUBICSPLINE"):
        raise sampler["interpolation"].error("must be LINEAR, STEP or CUBICSPLINE")
    if times.ndim != 1 or not len(times) or (np.diff(times) < 0).any():
        raise sampler["input"].error("must hold key times that do not go back", str(times.shape))
    width = 4 if path == "rotation" else 3
    per_key = 3 if interpolation == "CUBICSPLINE" else 1
    if values.shape != (len(times) * per_key, width):
        raise sampler["output"].error(
            f"must hold {len(times) * per_key} values of {width} numbers", str(values.shape)
        )
    if per_key == 3:
        values = values.reshape(len(times), 3, width)
    return _Track(node, path, times, values, interpolation)


def _key_rate(times_secs: FloatArray) -> float:
    """The frame rate that all key times lie on, or 30 where there is no plausible one."""
    gaps = np.diff(times_secs)
    gaps = gaps[gaps > 1e-6]
    if not len(gaps):
        return _DEFAULT_FPS
    fps = 1.0 / float(np.median(gaps))
    if abs(fps - round(fps)) < 0.005 * fps:
        fps = float(round(fps))
    frames = (times_secs - times_secs[0]) * fps
    on_frames = np.abs(frames - np.round(frames)).max() < _FRAME_TOLERANCE
    return fps if on_frames and _PLAUSIBLE_FPS[0] <= fps <= _PLAUSIBLE_FPS[1] else _DEFAULT_FPS


def _sample(track: _Track, times_secs: FloatArray) -> FloatArray:
    """[F, k]: the track at each time, held before its first key and after its last."""
    keys = track.times_secs
    before = np.clip(np.searchsorted(keys, times_secs, side="right") - 1, 0, len(keys) - 1)
    after = np.minimum(before + 1, len(keys) - 1)
    spans = keys[after] - keys[before]
    elapsed = np.clip(times_secs - keys[before], 0.0, spans)
    fractions = elapsed / np.where(spans > 0, spans, 1.0)
    if track.interpolation == "CUBICSPLINE":
        return _hermite(track.values, before, after, fractions, spans)
    if track.interpolation == "STEP":
        return track.values[before]
    first, second = track.values[before], track.values[after]
    sampled: FloatArray = first + (second - first) * fractions[:, None]
    if track.path == "rotation":
        return slerp(normalise_quaternions(first), normalise_quaternions(second), fractions)
    return sampled


def _hermite(
    values: FloatArray,
    before: np.typing.NDArray[np.intp],
    after: np.typing.NDArray[np.intp],
    fractions: FloatArray,
    spans: FloatArray,
) -> FloatArray:
    """Cubic Hermite spline; tangents are per second (glTF appendix C.5)."""
    s = fractions[:, None]
    spans = spans[:, None]
    result: FloatArray = (
        (2 * s**3 - 3 * s**2 + 1) * values[before, 1]
        + (s**3 - 2 * s**2 + s) * spans * values[before, 2]
        + (3 * s**2 - 2 * s**3) * values[after, 1]
        + (s**3 - s**2) * spans * values[after, 0]
    )
    return result
