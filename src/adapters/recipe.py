"""The name of how derivatives are made. Whoever only needs the name loads no libvips."""

RECIPE = "v5"
"""Changes whenever the bytes of a derivative would: it is part of their keys."""
