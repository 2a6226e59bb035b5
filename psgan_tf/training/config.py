"""Options of a run: frozen values, checked when they are made, JSON in and out.

No TensorFlow here, so that a wrong flag is refused in a fraction of a second.
Defaults are the paper's Avatar run (PSGAN sections 3.2 and 3.3, Progressive GAN table 2).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.per_resolution import PerResolution

PRECISIONS = ("float32", "bfloat16")
# Settings with a number per resolution.
PER_RESOLUTION = (
    "fade_kimg",
    "stabilize_kimg",
    "batch_size",
    "micro_batch",
    "learning_rate",
    "tick_kimg",
    "sample_kimg",
)
_KIMG_OF_PHASE = PerResolution(600)
_BATCH_SIZE = PerResolution.parse("16,256:12,512:5,1024:2", "batch_size")
_LEARNING_RATE = PerResolution.parse(
    "0.001,128:0.0008,256:0.0006,512:0.0002,1024:0.0001", "learning_rate"
)
_KIMG_OF_TICK = PerResolution.parse(
    "160,8:140,16:120,32:100,64:80,128:60,256:40,512:20,1024:10", "tick_kimg"
)
_NO_LIMIT = PerResolution(0)
# Every other library that is seeded takes 32 bits.
MAX_SEED = 2**32


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """A run: its networks, its data and schedule, and how it is watched.

    Per-resolution settings may be given as texts such as `16,256:12,512:5`.

    Args:
        network: the networks' shape.
        data_dir: folder of shards with a `dataset.json`.
        run_dir: folder of checkpoints, samples and logs; made when absent.
        seed: decides weights, data order and noise, together with the images shown.
        fade_kimg, stabilize_kimg: thousands of images of each phase, per resolution.
        batch_size: global batch, per resolution.
        micro_batch: most pictures that a replica computes at once, per resolution; 0 sets no
            limit, and is the default of a text. The minibatch statistic is each part's own.
        learning_rate: of both networks, per resolution.
        ema_decay: decay per step of the generator's moving average.
        gradient_penalty_weight: lambda of WGAN-GP.
        drift_weight: weight of the mean squared score of the reals.
        mirror: turn pictures left-right at random, left and right keypoints swapped.
        precision: `float32` or `bfloat16` (weights, statistics and losses stay float32).
        strict_batch: refuse a batch that does not split over the replicas instead of rounding up.
        init_from: run directory whose weights the run starts with, or empty.
        tick_kimg: thousands of images between status lines, per resolution.
        sample_kimg: thousands of images between sample grids, per resolution.
        checkpoint_minutes: longest time between checkpoints.
        keep_checkpoints: how many checkpoints are kept.
    """

    network: NetworkConfig
    data_dir: str
    run_dir: str
    seed: int = 0
    fade_kimg: PerResolution = _KIMG_OF_PHASE
    stabilize_kimg: PerResolution = _KIMG_OF_PHASE
    batch_size: PerResolution = _BATCH_SIZE
    micro_batch: PerResolution = _NO_LIMIT
    learning_rate: PerResolution = _LEARNING_RATE
    ema_decay: float = 0.999
    gradient_penalty_weight: float = 10.0
    drift_weight: float = 0.001
    mirror: bool = False
    precision: str = "float32"
    strict_batch: bool = False
    init_from: str = ""
    tick_kimg: PerResolution = _KIMG_OF_TICK
    sample_kimg: PerResolution = _KIMG_OF_TICK
    checkpoint_minutes: float = 10.0
    keep_checkpoints: int = 3

    def __post_init__(self) -> None:
        for name in PER_RESOLUTION:
            value = getattr(self, name)
            if isinstance(value, str):
                default = 0 if name == "micro_batch" else None
                object.__setattr__(self, name, PerResolution.parse(value, name, default))
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"`precision` must be one of {', '.join(PRECISIONS)}. "
                f"Received: precision={self.precision!r}."
            )
        if not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(
                f"`ema_decay` must lie in [0, 1). Received: ema_decay={self.ema_decay}."
            )
        for name in ("gradient_penalty_weight", "drift_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"`{name}` must not be negative. Received: {name}={getattr(self, name)}."
                )
        if not self.checkpoint_minutes > 0 or self.keep_checkpoints < 1:
            raise ValueError(
                "`checkpoint_minutes` must be positive and `keep_checkpoints` at least 1. "
                f"Received: checkpoint_minutes={self.checkpoint_minutes}, "
                f"keep_checkpoints={self.keep_checkpoints}."
            )
        if not 0 <= self.seed < MAX_SEED:
            raise ValueError(
                f"`seed` must lie in [0, {MAX_SEED}). Received: seed={self.seed}. Choose another."
            )

    @property
    def dtype_policy(self) -> str:
        """Keras' name for the precision: weights stay float32 under either."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"


def as_fields(config: TrainingConfig) -> dict[str, Any]:
    """The options by name as JSON values, those of the network under `network`."""
    texts = {name: str(getattr(config, name)) for name in PER_RESOLUTION}
    return dataclasses.asdict(config) | texts


def to_json(config: TrainingConfig) -> str:
    """The configuration as indented JSON text."""
    return json.dumps(as_fields(config), indent=2) + "\n"


def from_json(text: str) -> TrainingConfig:
    """The inverse of `to_json`.

    Raises:
        ValueError: when the text is no such configuration.
    """
    try:
        fields: dict[str, Any] = json.loads(text)
        return TrainingConfig(network=NetworkConfig(**fields.pop("network")), **fields)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"`options.json` must hold the options of a run. Received: {error}. "
            "Use the file that training wrote."
        ) from error


def load_options(run_dir: str | Path) -> TrainingConfig:
    """The options that the run in `run_dir` was last started with.

    Raises:
        ValueError: when `run_dir` holds no run.
    """
    path = Path(run_dir) / "options.json"
    if not path.is_file():
        raise ValueError(
            f"`run_dir` must be the directory of a training run. Received: run_dir={str(run_dir)!r}"
            ", which has no options.json. Train first, or correct the path."
        )
    return from_json(path.read_text(encoding="utf-8"))
