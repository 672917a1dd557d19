"""The garbage collector in a process that lasts."""

import gc

YOUNG = 20_000
"""Objects more than there were, before it looks: a page of the log is some thousands of them, and
nearly none is ever in a cycle. With 700 of them, as is usual, a rebuild costs 15 % more."""


def spare() -> None:
    """Once all is imported: that is no garbage, and looking for some in it stops everybody."""
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
