"""The dispatcher: resolves messages against objects, runs methods, commits their effects."""
