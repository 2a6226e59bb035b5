"""Files that appear whole, processes, progress, command lines, frame rates, JSON documents."""
