"""How good are the methods that are written? `python -m eval` asks a real model; see docs/EVALUATION.md."""
