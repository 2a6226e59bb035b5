"""All built-in motions, and which of them are kept for testing."""

from __future__ import annotations

from tools.avatars.builtin.motions.actions import ACTIONS
from tools.avatars.builtin.motions.dances import DANCES
from tools.avatars.builtin.motions.gestures import GESTURES
from tools.avatars.builtin.motions.keyframes import Sketch
from tools.avatars.builtin.motions.steps import STEPS

MOTIONS: tuple[Sketch, ...] = (*STEPS, *GESTURES, *ACTIONS, *DANCES)

# 600 poses of all motions together, as many as the paper's set has.
POSES_PER_MOTION = 600 // len(MOTIONS)

# Never trained on, though others have steps and gestures like theirs.
TEST_MOTIONS = ("jump", "dance_idol")
