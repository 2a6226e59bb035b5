"""Training: configuration, schedule, losses, the step, checkpoints, reports, memory probe."""
