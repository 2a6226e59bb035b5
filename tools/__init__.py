"""Command line tools over the psgan_tf library."""
