"""Shapes that everything is made of: curves, sweeps, mesh parts."""
