"""Growth as a pure function of the images shown: phase, resolution, alpha, batch, learning rate.

PSGAN section 3.2 and Progressive GAN appendix A.1: 4 x 4 is trained alone, then each resolution
fades in and stabilises. The images shown are the only clock; no TensorFlow, no state.
"""

from __future__ import annotations

import bisect
import dataclasses
import math

from psgan_tf.model.config import INITIAL_RESOLUTION
from psgan_tf.training.config import TrainingConfig


def part_sizes(count: int, most: int) -> list[int]:
    """A batch in the fewest parts of at most `most` pictures, as equal as can be: 5 by 3 is 3, 2.

    Args:
        count: pictures of the batch.
        most: 0 sets no limit.

    Returns:
        Sizes that differ by one at most, the larger first.
    """
    parts = math.ceil(count / most) if most else 1
    least, larger = divmod(count, parts)
    return [least + 1] * larger + [least] * (parts - larger)


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of training at one resolution, either fading it in or with it fully in.

    Args:
        index: position in the schedule, 0 for 4 x 4.
        resolution: pixels.
        fading: whether the resolution's layers are being faded in.
        start_images, end_images: images shown when it starts and ends.
        batch_size: global batch.
        learning_rate: of both networks.
        micro_batch: most pictures that a replica computes at once; 0 sets no limit.
    """

    index: int
    resolution: int
    fading: bool
    start_images: int
    end_images: int
    batch_size: int
    learning_rate: float
    micro_batch: int

    @property
    def name(self) -> str:
        """For example `64x64 fade` or `64x64 stabilize`."""
        kind = "fade" if self.fading else "stabilize"
        return f"{self.resolution}x{self.resolution} {kind}"

    def parts(self, num_replicas: int) -> list[int]:
        """Sizes of the parts that a replica computes one after the other."""
        return part_sizes(self.batch_size // num_replicas, self.micro_batch)


@dataclasses.dataclass(frozen=True)
class GrowthState:
    """State of growth of a batch: its phase and the weight of the newest layers.

    Args:
        phase: the phase it belongs to.
        alpha: weight of the newest layers at the batch's end; 1 outside fades.
        images_after: images shown once the batch is done.
    """

    phase: Phase
    alpha: float
    images_after: int


def _alpha(phase: Phase, images_shown: int) -> float:
    """Weight of the newest layers after `images_shown` images of a run in `phase`."""
    if not phase.fading:
        return 1.0
    return min((images_shown - phase.start_images) / (phase.end_images - phase.start_images), 1.0)


class Schedule:
    """All phases of a run, in order.

    Args:
        phases: consecutive phases, none of them empty.
    """

    def __init__(self, phases: tuple[Phase, ...]):
        self.phases = phases
        self._ends = [phase.end_images for phase in phases]
        # Images shown after each phase's last batch, which runs over the end where the batch does
        # not divide the phase.
        self._shown: list[int] = []
        shown = 0
        for phase in phases:
            batches = math.ceil(max(0, phase.end_images - shown) / phase.batch_size)
            shown += batches * phase.batch_size
            self._shown.append(shown)

    @property
    def total_images(self) -> int:
        """Images shown when the run is complete."""
        return self._ends[-1]

    def growth_at(self, images_shown: int) -> GrowthState:
        """The state of growth of the batch that starts after `images_shown` images.

        Alpha belongs to the images shown at the END of the batch, so that the first batch of a
        fade trains the new layers and its last batch has alpha 1.

        Raises:
            ValueError: when the run is already complete, or `images_shown` is negative.
        """
        if not 0 <= images_shown < self.total_images:
            raise ValueError(
                f"`images_shown` must lie in [0, {self.total_images}). "
                f"Received: images_shown={images_shown}."
            )
        phase = self.phases[bisect.bisect_right(self._ends, images_shown)]
        images_after = images_shown + phase.batch_size
        return GrowthState(phase, _alpha(phase, images_after), images_after)

    def growth_after(self, images_shown: int) -> GrowthState:
        """The state of growth once `images_shown` images were shown: that of the last batch.

        Args:
            images_shown: any count; beyond the schedule's end it is the end.
        """
        images_shown = max(1, min(images_shown, self._shown[-1]))
        phase = self.phases[bisect.bisect_left(self._shown, images_shown)]
        return GrowthState(phase, _alpha(phase, images_shown), images_shown)

    def growth_in_phase(self, phase_index: int, images_shown: int) -> GrowthState:
        """The state of growth after `images_shown` images, the last of them in a known phase.

        A run on several replicas may have rounded its batches up and reached a phase later than
        this schedule says.

        Args:
            phase_index: of the last batch; -1 before the first.
            images_shown: so far.
        """
        phase = self.phases[max(0, min(phase_index, len(self.phases) - 1))]
        return GrowthState(phase, max(0.0, _alpha(phase, images_shown)), images_shown)

    def table(self) -> str:
        """The phases as text, one line each, thousands of images."""
        lines = ["phase                 batch  learning rate   from kimg     to kimg"]
        for phase in self.phases:
            lines.append(
                f"{phase.index:2d} {phase.name:<19}{phase.batch_size:5d}"
                f"{phase.learning_rate:15g}"
                f"{phase.start_images / 1000:12g}{phase.end_images / 1000:12g}"
            )
        return "\n".join(lines)


def build_schedule(config: TrainingConfig) -> Schedule:
    """The schedule of a run. Phases of no images are left out (`fade_kimg=0`: no fades).

    Raises:
        ValueError: for a batch below 1 or no whole number, a learning rate of 0, or a schedule
            without images.
    """
    batch, micro_batch, rate = config.batch_size, config.micro_batch, config.learning_rate
    phases: list[Phase] = []
    start = 0
    for resolution in config.network.resolutions:
        batch_size = batch.at(resolution)
        if batch_size < 1 or batch_size != int(batch_size):
            raise ValueError(
                "`batch_size` must be a whole number of at least 1 at every resolution. "
                f"Received: {batch_size:g} at {resolution}."
            )
        if micro_batch.at(resolution) != int(micro_batch.at(resolution)):
            raise ValueError(
                "`micro_batch` must be a whole number, 0 for no limit, at every resolution. "
                f"Received: {micro_batch.at(resolution):g} at {resolution}."
            )
        if rate.at(resolution) == 0:
            raise ValueError(
                "`learning_rate` must be positive at every resolution. "
                f"Received: {config.learning_rate}, 0 at {resolution}."
            )
        for fading, kimg in ((True, config.fade_kimg), (False, config.stabilize_kimg)):
            images = round(1000 * kimg.at(resolution))
            if images == 0 or (fading and resolution == INITIAL_RESOLUTION):
                continue
            phases.append(
                Phase(
                    index=len(phases),
                    resolution=resolution,
                    fading=fading,
                    start_images=start,
                    end_images=start + images,
                    batch_size=int(batch_size),
                    learning_rate=rate.at(resolution),
                    micro_batch=int(micro_batch.at(resolution)),
                )
            )
            start += images
    if not phases:
        raise ValueError(
            "`fade_kimg` and `stabilize_kimg` must leave at least one phase with images. "
            f"Received: fade_kimg={config.fade_kimg}, stabilize_kimg={config.stabilize_kimg}."
        )
    return Schedule(tuple(phases))


def split_over_replicas(schedule: Schedule, num_replicas: int, strict: bool) -> Schedule:
    """The schedule with each batch a multiple of the replicas, rounded up.

    Args:
        schedule: the schedule as configured.
        num_replicas: devices that share a batch.
        strict: refuse instead of rounding.

    Raises:
        ValueError: under `strict`, when a batch does not split.
    """
    phases = []
    for phase in schedule.phases:
        rounded = math.ceil(phase.batch_size / num_replicas) * num_replicas
        if strict and rounded != phase.batch_size:
            raise ValueError(
                "`batch_size` must be a multiple of the replicas under --strict_batch. "
                f"Received: {phase.batch_size} at {phase.resolution} with {num_replicas} replicas."
                f" Set {phase.resolution}:{rounded}, or drop --strict_batch."
            )
        phases.append(dataclasses.replace(phase, batch_size=rounded))
    return Schedule(tuple(phases))
