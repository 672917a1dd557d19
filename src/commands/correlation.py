"""What an event came of: one id for a request, and for all that follows from it."""

from contextvars import ContextVar
from uuid import UUID

CORRELATION: ContextVar[UUID | None] = ContextVar("correlation", default=None)
"""Of the work at hand. The store writes it into the envelope of each event; traces have it as
their trace id, lines of the log as `request`."""
