"""Programs around a served model: export a run, check it, serve it, ask it over gRPC."""
