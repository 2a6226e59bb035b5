"""The built-in avatar as the program's input: its files, presets, and files beside them."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from psgan_tf.keypoints.dataset_folder import check_folder
from psgan_tf.motion.motion_files import motion_from_file
from render_jobs import assert_one_line_of_error, contents, run
from run_programs import REPOSITORY
from tools.avatars.builtin import builtin_files as files_module
from tools.avatars.builtin.builtin_files import write_builtin_files, write_chosen_costumes
from tools.avatars.builtin.motions.motions import MOTIONS
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.presets import PRESETS, preset_values, with_builtin_files
from tools.avatars.dataset.rendering_job import render_dataset
from tools.avatars.loading.costumes import read_costumes


def copied(files, output):
    """The files again, in a folder to render into."""
    return Path(shutil.copytree(files.avatar.parent, output / "built-in"))


def options(output, **changes):
    inputs = {"avatars": (Path("built-in"),), "motions": ("built-in",)}
    return RenderOptions(output=output, **(inputs | changes))


def test_there_is_a_file_for_each_motion(builtin_files):
    assert list(builtin_files.motions) == [sketch.name for sketch in MOTIONS]
    for name, path in builtin_files.motions.items():
        assert motion_from_file(path).name == name


def test_another_process_writes_the_same_bytes(builtin_files, tmp_path):
    done = run(f"--builtin_files={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path) == contents(builtin_files.avatar.parent)


def test_files_that_this_code_wrote_are_left_and_missing_or_older_ones_written_anew(
    builtin_files, tmp_path, monkeypatch
):
    folder = copied(builtin_files, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    files = write_builtin_files(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == times
    files.motions["walk"].unlink()
    write_builtin_files(folder)
    assert contents(folder) == contents(builtin_files.avatar.parent)
    files.costumes.write_text("older")
    monkeypatch.setattr(files_module, "_stamp", lambda: "newer code\n")
    write_builtin_files(folder)
    assert contents(folder) == contents(builtin_files.avatar.parent)


def test_every_module_that_the_files_are_made_by_decides_whether_they_are_kept():
    program = (
        "import sys, tools.avatars.builtin.builtin_files\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('tools.avatars.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = {Path(path) for path in done.stdout.split()} - {
        REPOSITORY / "tools/avatars/__init__.py"
    }
    assert len(loaded) > 40
    assert loaded <= set(files_module.source_files())


def test_a_change_in_any_of_their_packages_makes_the_files_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(files_module, "__file__", str(tmp_path / "builtin_files.py"))
    module = tmp_path / "wardrobe" / "garments" / "tops.py"
    module.parent.mkdir(parents=True)
    module.write_text("sleeves = 1")
    before = files_module._stamp()
    module.write_text("sleeves = 2")
    assert files_module._stamp() != before


def test_chosen_costumes_keep_their_order(builtin_files, tmp_path):
    names = [costume.name for costume in read_costumes(builtin_files.costumes)]
    chosen = write_chosen_costumes(tmp_path, [names[5], names[2]])
    assert [costume.name for costume in read_costumes(chosen)] == [names[5], names[2]]


def test_the_paper_preset_is_as_many_pictures_as_the_papers(builtin_files):
    paper = PRESETS["paper"]
    costumes = len(read_costumes(builtin_files.costumes))
    assert costumes * len(builtin_files.motions) * paper["poses_per_motion"] == 47_400
    assert paper["size"] == 1024


def test_what_the_user_gives_comes_before_the_preset():
    names = set().union(*PRESETS.values())
    given = dict.fromkeys(names, False)
    assert preset_values("demo", given) == PRESETS["demo"]
    values = preset_values("demo", given | {"size": True, "avatar": True, "motion": True})
    assert not {"size", "avatar", "motion"} & set(values)
    assert not {"costumes", "test_motions"} & set(values)  # they are the built-in ones'
    assert values["poses_per_motion"] == PRESETS["demo"]["poses_per_motion"]


def test_a_built_in_avatar_alone_wears_all_of_its_costumes(builtin_files, tmp_path):
    copied(builtin_files, tmp_path / "out")
    resolved = with_builtin_files(options(tmp_path / "out"))
    folder = tmp_path / "out" / "built-in"
    assert resolved.avatars == (folder / "koharu.vrm",)
    assert resolved.costumes == (folder / "koharu-costumes.json",)
    assert [Path(motion).stem for motion in resolved.motions] == [sketch.name for sketch in MOTIONS]
    assert resolved.licence == "Apache-2.0"


def test_built_in_motions_move_other_avatars_and_other_motions_the_built_in_one(
    builtin_files, tmp_path
):
    copied(builtin_files, tmp_path / "a")
    copied(builtin_files, tmp_path / "b")
    girl = options(
        tmp_path / "a", avatars=(Path("girl.vrm"),), motions=("built-in#run,walk", "x.bvh")
    )
    resolved = with_builtin_files(girl)
    assert resolved.avatars == (Path("girl.vrm"),)
    assert resolved.costumes == (None,)
    assert [Path(motion).name for motion in resolved.motions] == ["run.vrma", "walk.vrma", "x.bvh"]
    assert resolved.licence == ""
    both = options(tmp_path / "b", avatars=(Path("built-in"), Path("girl.vrm")), motions=("x.bvh",))
    resolved = with_builtin_files(both)
    assert resolved.costumes == (tmp_path / "b" / "built-in" / "koharu-costumes.json", None)
    assert resolved.motions == ("x.bvh",)
    plain = replace(girl, motions=("x.bvh",))
    assert with_builtin_files(plain) is plain


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"motions": ("built-in#walk,fly",)}, r"'fly'. They are walk, .*dance_idol"),
        ({"costumes": (Path("built-in#track-suit,wings"),)}, r"wings. They are sailor-summer, "),
    ],
)
def test_what_is_not_built_in_is_refused_with_a_list_before_anything_is_written(
    tmp_path, wrong, message
):
    with pytest.raises(ValueError, match=message):
        with_builtin_files(options(tmp_path / "out", **wrong))
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    done = run("--preset=demo", f"--output={tmp_path}")
    assert_one_line_of_error(done, "`output` must be empty", "other files")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_job_goes_on_with_the_built_in_files_and_its_card_names_the_character(
    builtin_files, tmp_path
):
    output = tmp_path / "out"
    copied(builtin_files, output)
    costumes = (Path("built-in#track-suit"),)
    job = options(output, motions=("built-in#wave,bow",), costumes=costumes, size_px=32)
    job = replace(job, poses_per_motion=2, workers=1)
    render_dataset(with_builtin_files(job), print)
    whole = contents(output)
    (output / "images" / "koharu-track-suit" / "wave_0001.png").unlink()
    render_dataset(with_builtin_files(job), print)
    assert contents(output) == whole
    assert check_folder(output) == []
    card = json.loads((output / "card.json").read_text())
    assert card["licence"] == "Apache-2.0"
    assert card["avatars"][0]["licence"]["title"] == "Koharu"
    assert any(line.startswith("Koharu by The psgan_tf authors") for line in card["credits"])
    assert {"camera", "rest_skeleton"} <= set(card)
