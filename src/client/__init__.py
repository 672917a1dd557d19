"""A client of Darkroom's HTTP API; it knows nothing else of the service."""
