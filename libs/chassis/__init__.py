"""What any gRPC server stands on. Admits no word of the domain: config, server, client, telemetry."""
