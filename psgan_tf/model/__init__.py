"""The paper's networks: layers, blocks, growth, weights, latents, counted multiplications."""
