"""The demonstration: objects learn methods from a real model, live, and keep them over a restart of everything."""
