"""What Darkroom can be asked to do: ports, `execute`, one handler for each command."""
