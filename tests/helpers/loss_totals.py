"""The discriminator's loss as one sum of its terms."""

from psgan_tf.training.losses import fake_loss, gradient_penalty, real_loss


def discriminator_losses(critic, reals, fakes, mix, *, gradient_penalty_weight, drift_weight):
    """What the terms measured, [B] by name, and their sum as `discriminator_loss`."""
    real, real_scores = real_loss(critic, reals, drift_weight)
    fake, fake_scores = fake_loss(critic, fakes)
    penalty, norms = gradient_penalty(critic, reals, fakes, mix, gradient_penalty_weight)
    return {
        "discriminator_loss": real + fake + penalty,
        "real_score": real_scores,
        "fake_score": fake_scores,
        "gradient_norm": norms,
    }
