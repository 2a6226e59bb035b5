"""The paper's schedule row by row, and rules that any schedule keeps."""

import dataclasses
import itertools

import numpy as np
import pytest

from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.config import TrainingConfig
from psgan_tf.training.schedule import build_schedule, split_over_replicas


def config(resolution=1024, **settings):
    return TrainingConfig(NetworkConfig(resolution=resolution), "", "", **settings)


PAPER = build_schedule(config())

# Resolution, fading, batch, learning rate, batches, thousands of images at its end.
PAPER_ROWS = [
    (4, False, 16, 0.001, 37_500, 600),
    (8, True, 16, 0.001, 37_500, 1_200),
    (8, False, 16, 0.001, 37_500, 1_800),
    (16, True, 16, 0.001, 37_500, 2_400),
    (16, False, 16, 0.001, 37_500, 3_000),
    (32, True, 16, 0.001, 37_500, 3_600),
    (32, False, 16, 0.001, 37_500, 4_200),
    (64, True, 16, 0.001, 37_500, 4_800),
    (64, False, 16, 0.001, 37_500, 5_400),
    (128, True, 16, 0.0008, 37_500, 6_000),
    (128, False, 16, 0.0008, 37_500, 6_600),
    (256, True, 12, 0.0006, 50_000, 7_200),
    (256, False, 12, 0.0006, 50_000, 7_800),
    (512, True, 5, 0.0002, 120_000, 8_400),
    (512, False, 5, 0.0002, 120_000, 9_000),
    (1024, True, 2, 0.0001, 300_000, 9_600),
    (1024, False, 2, 0.0001, 300_000, 10_200),
]


def stages_of(schedule):
    """All stages of a run from its first batch to its last."""
    images_shown, stages = 0, []
    while images_shown < schedule.total_images:
        stages.append(schedule.growth_at(images_shown))
        images_shown = stages[-1].images_after
    return stages


def random_schedules(count):
    """Schedules of a few hundred images whose batches divide nothing."""
    rng = np.random.default_rng(0)

    def numbers(low, high):
        default, *others = rng.integers(low, high, 4)
        return default, dict(zip((4, 8, 16), others, strict=True))

    def text(default, others, unit):
        return ",".join([str(default * unit)] + [f"{n}:{v * unit}" for n, v in others.items()])

    for _ in range(count):
        yield build_schedule(
            config(
                resolution=int(rng.choice([4, 8, 16, 32])),
                fade_kimg=text(*numbers(0, 40), 0.001),
                stabilize_kimg=text(*numbers(1, 40), 0.001),
                batch_size=text(*numbers(1, 17), 1),
            )
        )


# -------------------------------------------------------------------------------------------------
# The paper's schedule


@pytest.mark.parametrize("index", range(17))
def test_each_phase_is_that_of_the_paper(index):
    resolution, fading, batch, rate, batches, end_kimg = PAPER_ROWS[index]
    phase = PAPER.phases[index]
    assert (phase.index, phase.resolution, phase.fading) == (index, resolution, fading)
    assert (phase.batch_size, phase.learning_rate) == (batch, rate)
    assert (phase.start_images, phase.end_images) == (1000 * end_kimg - 600_000, 1000 * end_kimg)
    assert 600_000 / batch == batches
    kind = "fade" if fading else "stabilize"
    assert phase.name == f"{resolution}x{resolution} {kind}"


@pytest.mark.parametrize("index", range(17))
def test_each_phase_begins_and_ends_on_the_image(index):
    phase = PAPER.phases[index]
    first = PAPER.growth_at(phase.start_images)
    last = PAPER.growth_at(phase.end_images - phase.batch_size)
    assert (first.phase, last.phase) == (phase, phase)
    assert first.alpha == (phase.batch_size / 600_000 if phase.fading else 1)
    assert last.alpha == 1
    assert last.images_after == phase.end_images
    if index:
        before = PAPER.growth_at(phase.start_images - 1)
        assert before.phase == PAPER.phases[index - 1]


def test_the_whole_run_has_17_phases_10_200_kimg_and_1_352_500_batches():
    assert len(PAPER.phases) == len(PAPER_ROWS) == 17
    assert PAPER.total_images == 10_200_000
    batches = [(p.end_images - p.start_images) // p.batch_size for p in PAPER.phases]
    assert sum(batches) == 1_352_500
    ends = {p.end_images: sum(batches[: p.index + 1]) for p in PAPER.phases}
    assert [ends[n] for n in (6_600_000, 7_800_000, 9_000_000)] == [412_500, 512_500, 752_500]


def test_alpha_half_way_through_a_fade_is_a_half():
    assert PAPER.growth_at(900_000 - 16).alpha == 0.5
    assert PAPER.growth_at(9_300_000 - 2).alpha == 0.5


def test_a_fade_to_8_starts_with_the_first_batch_after_600_kimg():
    assert PAPER.growth_at(599_984).phase.resolution == 4
    growth = PAPER.growth_at(600_000)
    assert (growth.phase.resolution, growth.phase.fading) == (8, True)
    assert growth.alpha == 16 / 600_000
    assert PAPER.growth_at(1_199_984).alpha == 1
    assert not PAPER.growth_at(1_200_000).phase.fading


def test_rates_and_batches_change_where_the_new_resolution_begins_to_fade_in():
    def settings(images):
        phase = PAPER.growth_at(images).phase
        return phase.resolution, phase.batch_size, phase.learning_rate

    assert settings(5_399_999) == (64, 16, 0.001)
    assert settings(5_400_000) == (128, 16, 0.0008)
    assert settings(6_599_999) == (128, 16, 0.0008)
    assert settings(6_600_000) == (256, 12, 0.0006)
    assert settings(7_800_000) == (512, 5, 0.0002)
    assert settings(9_000_000) == (1024, 2, 0.0001)


def test_the_fixed_rate_of_the_deepfashion_run():
    schedule = build_schedule(config(256, learning_rate="0.0008"))
    assert {phase.learning_rate for phase in schedule.phases} == {0.0008}
    assert schedule.total_images == 7_800_000


def test_the_table_for_people_has_a_line_for_each_phase():
    lines = PAPER.table().splitlines()
    assert len(lines) == 18
    assert " ".join(lines[0].split()) == "phase batch learning rate from kimg to kimg"
    assert lines[1].split() == ["0", "4x4", "stabilize", "16", "0.001", "0", "600"]
    assert lines[14].split() == ["13", "512x512", "fade", "5", "0.0002", "7800", "8400"]
    assert len({len(line) for line in lines[1:]}) == 1


# -------------------------------------------------------------------------------------------------
# Any schedule


@pytest.mark.parametrize("images_shown", [-1, 10_200_000, 10_200_001])
def test_there_is_no_stage_before_the_start_or_after_the_end(images_shown):
    message = rf"`images_shown` must lie in \[0, 10200000\)\. Received: images_shown={images_shown}"
    with pytest.raises(ValueError, match=message):
        PAPER.growth_at(images_shown)


def test_random_schedules_are_walked_through_as_the_rules_say():
    for schedule in random_schedules(300):
        stages = stages_of(schedule)
        phases = [growth.phase.index for growth in stages]
        assert phases == sorted(phases)
        shown = 0
        for growth, following in zip(stages, [*stages[1:], None], strict=True):
            phase = growth.phase
            assert phase.start_images <= shown < phase.end_images
            assert growth.images_after == shown + phase.batch_size
            assert 0 < growth.alpha <= 1
            is_last = following is None or following.phase != phase
            assert is_last == (growth.images_after >= phase.end_images)
            if is_last or not phase.fading:
                assert growth.alpha == 1
            else:
                assert growth.alpha < following.alpha
            shown = growth.images_after
        assert shown >= schedule.total_images


def test_phases_of_random_schedules_follow_one_another_without_a_gap():
    for schedule in random_schedules(100):
        phases = schedule.phases
        assert [phase.index for phase in phases] == list(range(len(phases)))
        assert phases[0].start_images == 0
        for phase, following in itertools.pairwise(phases):
            assert following.start_images == phase.end_images
            assert (phase.resolution, not phase.fading) < (
                following.resolution,
                not following.fading,
            )


def test_what_was_reached_is_the_stage_of_the_last_batch():
    for schedule in random_schedules(300):
        for growth in stages_of(schedule):
            assert schedule.growth_after(growth.images_after) == growth


def test_what_was_reached_before_the_first_and_after_the_last_batch():
    assert PAPER.growth_after(0).phase == PAPER.phases[0]
    assert PAPER.growth_after(99_999_999) == PAPER.growth_after(10_200_000)
    assert PAPER.growth_after(10_200_000).alpha == 1
    assert PAPER.growth_after(600_000).phase.resolution == 4
    assert PAPER.growth_after(600_016).alpha == 16 / 600_000
    assert PAPER.growth_after(1_200_000).alpha == 1


def test_phases_of_no_images_are_left_out():
    schedule = build_schedule(config(16, fade_kimg="0", stabilize_kimg="2,8:0"))
    assert [(p.resolution, p.fading) for p in schedule.phases] == [(4, False), (16, False)]
    assert schedule.total_images == 4000


# -------------------------------------------------------------------------------------------------
# Settings


def test_a_micro_batch_changes_no_clock():
    plain, parts = build_schedule(config(1024)), build_schedule(config(1024, micro_batch="512:3"))
    assert parts.table() == plain.table()
    assert {phase.resolution: phase.parts(1) for phase in parts.phases}[512] == [3, 2]
    assert parts.phases[-1].parts(1) == [2]
    split = split_over_replicas(parts, 2, strict=False).phases
    assert {phase.resolution: phase.parts(2) for phase in split}[512] == [3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": "0"}, r"`batch_size` must be a whole number of at least 1.*: 0 at 4\."),
        ({"micro_batch": "8:2.5"}, r"`micro_batch` must be a whole number.*: 2\.5 at 8\."),
        ({"batch_size": "4,8:2.5"}, r"`batch_size` must be a whole number.*: 2\.5 at 8\."),
        ({"learning_rate": "0.001,8:0"}, r"`learning_rate` must be positive.*, 0 at 8\."),
        ({"fade_kimg": "1,8"}, r"`fade_kimg` must be a number, then exceptions"),
        ({"stabilize_kimg": "x"}, r"`stabilize_kimg` must be a number"),
        (
            {"fade_kimg": "0", "stabilize_kimg": "0"},
            r"`fade_kimg` and `stabilize_kimg` must leave at least one phase.*=0",
        ),
    ],
)
def test_a_schedule_without_sense_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build_schedule(config(16, **settings))


# -------------------------------------------------------------------------------------------------
# Replicas


@pytest.mark.parametrize(
    ("replicas", "batches"),
    [
        (1, {16, 12, 5, 2}),
        (2, {16, 12, 6, 2}),
        (3, {18, 12, 6, 3}),
        (4, {16, 12, 8, 4}),
        (8, {16, 8}),
    ],
)
def test_batches_are_rounded_up_to_a_multiple_of_the_replicas(replicas, batches):
    split = split_over_replicas(PAPER, replicas, strict=False)
    assert {phase.batch_size for phase in split.phases} == batches
    for phase, original in zip(split.phases, PAPER.phases, strict=True):
        assert phase.batch_size % replicas == 0
        assert 0 <= phase.batch_size - original.batch_size < replicas
        assert dataclasses.replace(phase, batch_size=original.batch_size) == original


def test_a_batch_that_does_not_split_is_refused_when_strict():
    message = (
        r"`batch_size` must be a multiple of the replicas under --strict_batch\. "
        r"Received: 5 at 512 with 2 replicas\. Set 512:6, or drop --strict_batch\."
    )
    with pytest.raises(ValueError, match=message):
        split_over_replicas(PAPER, 2, strict=True)
    assert split_over_replicas(PAPER, 1, strict=True).phases == PAPER.phases
    even = build_schedule(config(256, batch_size="8,256:4"))
    assert split_over_replicas(even, 4, strict=True).phases == even.phases
