"""The object model. PURE: no clock, network, file, gRPC or telemetry; nothing here awaits."""
