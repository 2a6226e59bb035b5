"""Writers of glTF, VRM and VRMA files."""
