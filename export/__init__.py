"""From a trained run to a served model: export, check, serve and ask over gRPC."""
