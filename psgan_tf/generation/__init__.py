"""Characters in poses: selection, latent mixing, pose sequences, galleries, animations."""
