"""New poses mixed from those of motions by body part, within joint limits, clear of the body."""
