"""BatOS: the client library."""
