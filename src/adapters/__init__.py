"""One technology a file, behind the ports."""
