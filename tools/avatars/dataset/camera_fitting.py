"""The camera of each avatar of a job, fitted to pictures of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from psgan_tf.motion.camera import Camera
from tools.avatars.dataset.framing import (
    TIGHT_FOLLOW,
    evenly_spaced,
    fitted_camera,
    reach_of,
    reaches_of,
    tight_camera,
)
from tools.avatars.dataset.plan import Block, Shot
from tools.avatars.dataset.poses import Poses
from tools.avatars.dataset.worker import Studio
from tools.avatars.loading.avatar import Avatar
from tools.avatars.loading.costumes import Costume, shown_parts
from tools.avatars.renderer.figure import Figure
from tools.avatars.renderer.figure_building import build_figure
from tools.avatars.scene import Material

# So many mixed poses are looked at, and so many pictures of all kinds by tight cameras.
_MOST_MIXED = 480
_MOST_PICTURES = 1200


def fit_camera(
    studio: Studio,
    index: int,
    avatar: Avatar,
    costumes: Sequence[Costume],
    blocks: Sequence[Block],
) -> Camera:
    """The camera of an avatar, as the options' framing says.

    Args:
        studio: makes the poses.
        index: the avatar's.
        avatar: the avatar.
        costumes: all of its costumes.
        blocks: the plan.
    """
    own = [block for block in blocks if block.avatar == index]
    fit = _fit_tight if studio.job.options.framing == "tight" else _fit_all
    return fit(studio, index, avatar, costumes, own)


def _bare_figure(avatar: Avatar, costumes: Sequence[Costume]) -> Figure:
    """All that any of some costumes shows, without ink and textures.

    Only the shape counts: so it is made and moved in half the time.
    """
    shown = {id(part) for costume in costumes for part in shown_parts(costume, avatar.surfaces)}
    parts = tuple(part for part in avatar.surfaces.parts if id(part) in shown)
    materials = tuple(Material(material.name) for material in avatar.surfaces.materials)
    return build_figure(replace(avatar.surfaces, parts=parts, materials=materials, textures=()))


def _posed(studio: Studio, shots: Sequence[tuple[Block, Shot]]) -> Iterator[tuple[Poses, Shot]]:
    """For each shot the poses that it is one of, and the shot with its place among them."""
    mixed: dict[int, list[int]] = {}
    for block, shot in shots:
        if block.motion is None:
            mixed.setdefault(block.costume, []).append(shot.pose)
    for block, shot in shots:
        if block.motion is not None:
            yield studio.poses(block.avatar, block.motion), shot
        else:
            numbers = tuple(dict.fromkeys(mixed[block.costume]))
            poses, _ = studio.mixed_poses(block.avatar, block.costume, numbers)
            yield poses, replace(shot, pose=numbers.index(shot.pose))


def _fit_all(
    studio: Studio, index: int, avatar: Avatar, costumes: Sequence[Costume], blocks: Sequence[Block]
) -> Camera:
    """Fitted to what any costume shows in any pose; of mixed poses, to some of each costume."""
    figure = _bare_figure(avatar, costumes)
    reaches = []
    for motion in range(len(studio.job.clips)):
        shots = [
            shot
            for block in blocks
            if (block.costume, block.motion) == (0, motion)
            for shot in block.shots
        ]
        reaches.append(reach_of(figure, studio.poses(index, motion), shots))
    mixed = [(block, shot) for block in blocks if block.motion is None for shot in block.shots]
    chosen = [mixed[place] for place in evenly_spaced(len(mixed), _MOST_MIXED)] if mixed else []
    reaches += [reach_of(figure, poses, [shot]) for poses, shot in _posed(studio, chosen)]
    return fitted_camera(reaches, studio.job.options.size_px, studio.job.options.zoom)


def _fit_tight(
    studio: Studio, index: int, avatar: Avatar, costumes: Sequence[Costume], blocks: Sequence[Block]
) -> Camera:
    """Fitted to pictures of the plan, evenly spaced, each in its own costume."""
    shots = [(block, shot) for block in blocks for shot in block.shots]
    chosen = [shots[place] for place in evenly_spaced(len(shots), _MOST_PICTURES)]
    reaches, figure, dressed_in = [], None, -1
    for (block, _), (poses, shot) in zip(chosen, _posed(studio, chosen), strict=True):
        if figure is None or block.costume != dressed_in:
            figure, dressed_in = _bare_figure(avatar, [costumes[block.costume]]), block.costume
        reaches.append(reaches_of(figure, poses, [shot], TIGHT_FOLLOW))
    options = studio.job.options
    return tight_camera(np.concatenate(reaches), options.size_px, options.zoom)
