"""Server processes under measurement."""
