"""Avatar and costume files read into surfaces, materials and textures."""
