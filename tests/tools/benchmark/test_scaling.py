"""The benchmark's picture of costs: its points, its file of figures, its lines, the program."""

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from psgan_tf.model.arithmetic import step_multiplications
from run_programs import run
from tools.benchmark.films.figures import png_of
from tools.benchmark.multi_worker.team import check_counts
from tools.benchmark.scaling.curves import best_rates, memory_curves, time_curves
from tools.benchmark.scaling.picture import cost_figure
from tools.benchmark.scaling.record import Record, open_record, read_record
from tools.benchmark.scaling.sweeps import Settings, point, points

SETTINGS = Settings(
    num_keypoints=3,
    fmap_base=64,
    fmap_max=8,
    fading=True,
    precision=("bfloat16", "float32"),
    rounds=2,
    resolution_batch=1,
    batch_px=8,
    keypoints_px=16,
    keypoints_batch=5,
    replicas_px=8,
    replicas_batch=4,
    cores=2,
)


def row(curve, secs, precision="float32", batch=1, gib=1.0, **others):
    """A row of figures; 10 GFLOP an image and 50 GFLOP/s where nothing else is said."""
    return {
        "curve": curve, "precision": precision, "batch": batch, "secs_per_image": secs,
        "peak_gib": gib, "gflop_per_image": 10.0, "best_gflops": 50.0, **others,
    }  # fmt: skip


def team_row(secs, batch):
    team = row("bfloat16", secs, "bfloat16", batch)
    return {name: team[name] for name in team if "gflop" not in name}


# By sweep and place. The best rates are 100 in float32 and 200 GFLOP/s in bfloat16.
ROWS = {
    ("resolution", 8): [row("float32", 4.0, best_gflops=100.0, gib=2.0)],
    ("resolution", 4): [row("float32", 2.0, gflop_per_image=5.0)],
    ("batch", 1): [
        row("float32", 1.0),
        row("bfloat16", 0.5, "bfloat16", best_gflops=200.0, gib=0.5),
    ],
    ("batch", 4): [row("float32", 0.75, batch=4), row("bfloat16", 0.25, "bfloat16", 4, 0.75)],
    ("keypoints", 0): [row("fast", 3.0, "bfloat16"), row("plain", 6.0, "bfloat16")],
    ("replicas", 1): [team_row(0.5, 4)],
    ("replicas", 2): [team_row(0.4, 8)],
}


@pytest.fixture
def record(tmp_path):
    """A record of those rows, written point by point."""
    kept = Record(tmp_path / "cost.json", SETTINGS)
    for (sweep, at), rows in ROWS.items():
        kept.add(point(SETTINGS, sweep, at), rows)
    return kept


def described(sweep, at):
    return [
        (case.resolution, case.batch, case.num_keypoints, case.fading, case.precision, case.kernels)
        for case in point(SETTINGS, sweep, at).cases
    ]


def test_each_sweep_changes_one_thing_and_compares_what_belongs_to_it():
    assert described("resolution", 4) == [
        (4, 1, 3, False, "bfloat16", "fast"),  # 4 x 4 never fades in
        (4, 1, 3, False, "float32", "fast"),
    ]
    assert described("batch", 16) == [
        (8, 16, 3, True, "bfloat16", "fast"),
        (8, 16, 3, True, "float32", "fast"),
    ]
    assert described("keypoints", 0) == [
        (16, 5, 0, True, "bfloat16", "fast"),
        (16, 5, 0, True, "bfloat16", "plain"),
    ]
    assert described("replicas", 2) == [(8, 8, 3, True, "bfloat16", "fast")]


def test_points_go_from_the_least_place_on_each_once():
    found = points(SETTINGS, {"resolution": [8, 4, 8], "batch": [2]})
    assert [each.key for each in found] == [("resolution", 4), ("resolution", 8), ("batch", 2)]


def test_a_stage_that_is_none_is_refused():
    with pytest.raises(ValueError, match="`resolution` must be a power of two"):
        points(SETTINGS, {"resolution": [4, 48]})


def test_the_work_of_a_point_grows_with_its_steps():
    once, twice = (point(SETTINGS, "batch", 4).gflop(rounds) for rounds in (1, 2))
    case = point(SETTINGS, "batch", 4).cases[0]
    step = 2e-9 * 4 * step_multiplications(case.network, 8)
    assert twice - once == pytest.approx(2 * step)  # of both precisions


def test_more_replicas_than_cores_are_refused():
    check_counts("replicas", [1, 2], 2)
    with pytest.raises(ValueError, match=r"of 2 here\. Received: replicas=1,4\. Lower --replicas"):
        check_counts("replicas", [1, 4], 2)


def test_figures_in_the_file_are_not_missing_any_more(record):
    again = open_record(record.path, SETTINGS)
    wanted = points(SETTINGS, {"resolution": [4, 8, 16], "keypoints": [0, 20]})
    missing = [each.key for each in wanted if each not in again]
    assert missing == [("resolution", 16), ("keypoints", 20)]
    assert again.rows("resolution") == {4: ROWS["resolution", 4], 8: ROWS["resolution", 8]}
    assert list(again.rows("resolution")) == [4, 8]


def test_a_file_that_is_not_there_yet_is_an_empty_record(tmp_path):
    assert len(open_record(tmp_path / "cost.json", SETTINGS)) == 0
    assert not (tmp_path / "cost.json").exists()


def test_figures_of_other_flags_are_not_gone_on_with(record):
    others = dataclasses.replace(SETTINGS, fmap_max=16, precision=("float32",))
    before = record.path.read_bytes()
    with pytest.raises(ValueError, match="must be of the same flags") as caught:
        open_record(record.path, others)
    assert "fmap_max=16 (there 8), precision=float32 (there bfloat16,float32)." in str(caught.value)
    assert record.path.read_bytes() == before


def without(document, *names):
    """A document that lacks what is found by these names."""
    *above, last = names
    inside = document
    for name in above:
        inside = inside[name]
    del inside[last]
    return document


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: [],
        lambda document: {**document, "subject": "train"},
        lambda document: {**document, "points": []},
        lambda document: without(document, "settings", "rounds"),
        lambda document: without(document, "points", 0, "at"),
        lambda document: without(document, "points", 0, "rows", 0, "peak_gib"),
        lambda document: without(document, "points", 0, "rows", 0),
        lambda document: {**document, "settings": {**document["settings"], "precision": []}},
    ],
)
def test_another_file_is_refused(record, spoil):
    record.path.write_text(json.dumps(spoil(json.loads(record.path.read_text()))))
    with pytest.raises(ValueError, match="`json` must be a file that this subject wrote"):
        read_record(record.path)


def test_the_best_rate_is_that_of_all_points(record):
    assert best_rates(record) == {"float32": 100.0, "bfloat16": 200.0}


def seen(curves):
    return [(curve.name, curve.places, curve.values, curve.is_bound) for curve in curves]


def test_against_the_resolution_seconds_an_image_stand_beside_the_arithmetic(record):
    assert seen(time_curves(record, "resolution")) == [
        ("float32", [4, 8], [2.0, 4.0], False),
        ("float32", [4, 8], [0.05, 0.1], True),
    ]
    assert seen(memory_curves(record, "resolution")) == [("float32", [4, 8], [1.0, 2.0], False)]


def test_against_the_batch_seconds_are_those_of_a_step(record):
    assert seen(time_curves(record, "batch")) == [
        ("float32", [1, 4], [1.0, 3.0], False),
        ("float32", [1, 4], [0.1, 0.4], True),
        ("bfloat16", [1, 4], [0.5, 1.0], False),
        ("bfloat16", [1, 4], [0.05, 0.2], True),
    ]


def test_against_replicas_images_a_second_stand_beside_what_is_in_proportion(record):
    assert seen(time_curves(record, "replicas")) == [
        ("bfloat16", [1, 2], [2.0, 2.5], False),
        ("bfloat16", [1, 2], [2.0, 4.0], True),
    ]


def test_the_picture_has_a_column_of_two_panels_for_each_sweep_and_all_curves(record):
    figure = cost_figure(record)
    above, below = figure.axes[:4], figure.axes[4:]
    assert len(below) == 4
    for panel, sweep in zip(above, record.sweeps, strict=True):
        for line, curve in zip(panel.lines, time_curves(record, sweep), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), curve.places)
            np.testing.assert_array_equal(line.get_ydata(), curve.values)
            assert (line.get_linestyle() == "--") == curve.is_bound
    for panel, sweep in zip(below, record.sweeps, strict=True):
        found = [line.get_ydata().tolist() for line in panel.lines]
        assert found == [curve.values for curve in memory_curves(record, sweep)]
        assert panel.get_ylim()[0] == 0
    assert [panel.get_title(loc="left") for panel in above] == [
        "Resolution", "Batch", "Keypoints", "Replicas",
    ]  # fmt: skip
    assert [panel.get_ylabel() for panel in above] == [
        "seconds an image", "seconds a step", "seconds an image", "images a second",
    ]  # fmt: skip
    title = figure.get_suptitle()
    assert "widths 64 / 8, M = 3, bfloat16 and float32, fading stages, 2 cores" in title
    with Image.open(io.BytesIO(png_of(figure))) as picture:
        assert picture.size == (1200, 600)


def test_the_program_measures_each_point_once(tmp_path):
    picture, figures = tmp_path / "cost.png", tmp_path / "cost.json"
    tiny = (
        *("--fmap_base=32", "--fmap_max=4", "--num_keypoints=3", "--precision=float32"),
        *("--resolutions=4", "--replicas=1", "--replicas_px=4", "--replicas_batch=1"),
        *("--rounds=1", f"--output={picture}"),
    )
    status, printed = run("tools.benchmark", "cost", "--sweeps=resolution", *tiny)
    assert status == 0, printed
    (first,) = json.loads(figures.read_text())["points"]
    (at_4,) = first["rows"]
    assert (first["sweep"], first["at"]) == ("resolution", 4)
    assert (at_4["batch"], at_4["resolution_px"]) == (1, 4)
    assert at_4["secs_per_image"] == at_4["all_secs"][0] > 0
    assert at_4["peak_gib"] > 0.1

    status, printed = run("tools.benchmark", "cost", "--sweeps=resolution,replicas", *tiny)
    assert status == 0, printed
    assert "1 of 1 points" in printed
    assert f"{picture}, of 2 points in {figures}\n" in printed
    kept, added = json.loads(figures.read_text())["points"]
    assert kept == first  # to the last digit: it was not measured again
    assert (added["sweep"], added["at"], added["rows"][0]["batch"]) == ("replicas", 1, 1)
    with Image.open(picture) as drawn:
        assert drawn.size == (600, 600)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sweeps=depth",), "`sweeps` must be one or more of resolution, batch"),
        (("--keypoints=-1",), "`keypoints` must be whole numbers of at least 0"),
        (("--output=cost.jpg",), "`output` must end in .png"),
        (("--output=cost.png", "--json=cost.png"), "`json` must be another file than `output`"),
        (("--draw_only", "--json=missing.json"), "There is no file `missing.json`"),
    ],
)
def test_flags_that_make_no_sense_are_refused_in_one_line(arguments, message, tmp_path):
    flags = (f"--output={tmp_path / 'cost.png'}", *arguments)
    status, printed = run("tools.benchmark", "cost", *flags)
    assert status == 1
    assert message in printed
    assert printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
