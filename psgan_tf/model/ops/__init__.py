"""Operations without weights: normalization, resizing, convolutions, pose maps."""
