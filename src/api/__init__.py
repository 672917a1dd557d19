"""The HTTP face: decodes, dispatches, answers."""
