"""Read models and reactors: what becomes of events."""
