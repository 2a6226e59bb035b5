"""The discriminator's loss as one sum of its terms."""

from psgan_tf.training.losses import discriminator_terms


def discriminator_losses(*args, **weights):
    """What the terms measured, [B] by name, and their sum as `discriminator_loss`."""
    values = {"discriminator_loss": 0.0}
    for term in discriminator_terms(*args, **weights):
        losses, name, values[name] = term()
        values["discriminator_loss"] += losses
    return values
