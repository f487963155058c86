"""The rules of the audit. Admits pure functions of a source, each with a stable id and an example it refuses."""
