"""One run of a root message: snapshot, write buffer, savepoints, nested sends. Admits what dispatch and trial share."""
