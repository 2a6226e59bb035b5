"""The sweeps of the subject `cost`: which points each has, and what is measured at a point."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from psgan_tf.model.arithmetic import step_multiplications
from tools.benchmark.steps.cases import KERNELS, Case, check

RESOLUTION, BATCH, KEYPOINTS, REPLICAS = SWEEPS = ("resolution", "batch", "keypoints", "replicas")
# Starting a process and tracing its step take about as long as this arithmetic.
_START_GFLOP = 1000.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What figures depend on beside their point; flags have the same names.

    Args:
        num_keypoints: M, where it is not swept.
        fmap_base, fmap_max: widths, see `NetworkConfig`.
        fading: whether stages fade in; that of 4 x 4 never does.
        precision: those compared; keypoints and replicas are swept in the first.
        rounds: steps that are counted.
        resolution_batch: pictures of a step while the resolution is swept.
        batch_px: resolution while the batch is swept.
        keypoints_px, keypoints_batch: both while M is swept.
        replicas_px, replicas_batch: both while replicas are swept; the batch is that of each.
        cores: of the machine.
    """

    num_keypoints: int
    fmap_base: int
    fmap_max: int
    fading: bool
    precision: tuple[str, ...]
    rounds: int
    resolution_batch: int
    batch_px: int
    keypoints_px: int
    keypoints_batch: int
    replicas_px: int
    replicas_batch: int
    cores: int


@dataclasses.dataclass(frozen=True)
class Point:
    """One place of a sweep.

    Args:
        sweep: one of `SWEEPS`.
        at: the resolution, batch, M or number of replicas.
        cases: what is measured there, one for each curve.
    """

    sweep: str
    at: int
    cases: tuple[Case, ...]

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from others."""
        return self.sweep, self.at

    def gflop(self, rounds: int) -> float:
        """About how much it is to do, to reckon how much time is left."""
        steps = rounds + 1
        flop = sum(
            2 * case.batch * step_multiplications(case.network, case.resolution)
            for case in self.cases
        )
        return len(self.cases) * _START_GFLOP + 1e-9 * steps * flop


def curve_name(sweep: str, case: Case) -> str:
    """The curve that a case's figures belong to."""
    return case.kernels if sweep == KEYPOINTS else case.precision


def point(settings: Settings, sweep: str, at: int) -> Point:
    """A place of a sweep.

    Raises:
        ValueError: no such stage exists; the text names the argument.
    """
    px, batch, num_keypoints = {
        RESOLUTION: (at, settings.resolution_batch, settings.num_keypoints),
        BATCH: (settings.batch_px, at, settings.num_keypoints),
        KEYPOINTS: (settings.keypoints_px, settings.keypoints_batch, at),
        REPLICAS: (settings.replicas_px, at * settings.replicas_batch, settings.num_keypoints),
    }[sweep]
    case = Case(
        subject="train",
        resolution=px,
        batch=batch,
        num_keypoints=num_keypoints,
        fmap_base=settings.fmap_base,
        fmap_max=settings.fmap_max,
        fading=settings.fading and px > 4,
        precision=settings.precision[0],
    )
    cases = {
        KEYPOINTS: [dataclasses.replace(case, kernels=kernels) for kernels in KERNELS],
        REPLICAS: [case],
    }.get(sweep) or [dataclasses.replace(case, precision=name) for name in settings.precision]
    return Point(sweep, at, tuple(check(case) for case in cases))


def points(settings: Settings, places: Mapping[str, Sequence[int]]) -> list[Point]:
    """The points of all sweeps, each sweep from its least place on.

    Args:
        settings: what they share.
        places: by sweep.

    Raises:
        ValueError: a stage does not exist; the text names the argument.
    """
    return [point(settings, sweep, at) for sweep in places for at in sorted(set(places[sweep]))]
