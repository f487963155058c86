"""The synthesizer: writes a method for a message that nothing understands, and proves it."""
