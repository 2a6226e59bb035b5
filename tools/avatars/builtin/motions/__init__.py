"""The fifteen motions: key frames, limbs, and the posing of the body."""
