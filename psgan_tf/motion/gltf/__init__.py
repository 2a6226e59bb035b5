"""glTF files: containers, node trees, animation clips, VRM bones and licences."""
