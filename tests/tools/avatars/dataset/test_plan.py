"""The plan of a rendering job: its motions and their names."""

import pytest

from motion_files_by_hand import bvh, written
from render_jobs import MOVES
from shared_assets import shared_path
from tools.avatars.dataset.plan import list_motions


def test_motions_of_one_name_from_two_files_get_the_files_names_as_well(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    paths = [str(written(tmp_path / folder, "walk.bvh", bvh(MOVES))) for folder in "ab"]
    names = [clip.name for clip in list_motions(paths, None)]
    assert names == ["walk-walk-0", "walk-walk-1"]


def test_clips_of_a_file_are_chosen_by_name():
    path = shared_path("avatars/motions/mesh2motion_12_actions.glb")
    assert len(list_motions([str(path)], None)) == 12
    (bow, dance) = list_motions([f"{path}#Bow,Dance Charleston"], None)
    assert (bow.name, dance.name, dance.clip) == ("Bow", "Dance-Charleston", "Dance Charleston")
    with pytest.raises(
        ValueError, match=r"must name clips of .*Received: 'Walk'\. It has Backflip"
    ):
        list_motions([f"{path}#Walk"], None)
