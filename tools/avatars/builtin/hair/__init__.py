"""The figure's hair: strands and pieces."""
