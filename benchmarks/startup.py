"""startup: from the command to the first answer, on an empty folder and on a full one."""

from collections.abc import Iterator

from benchmarks.measure import Figure
from benchmarks.rig import Rig

WHAT = "seconds of `darkroom up` until it is ready, on a new data folder and again"


def run(rig: Rig) -> Iterator[Figure]:
    service = rig.new_service("startup")
    for what in ("new data folder", "second start"):
        rig.step(what)
        yield Figure(what=f"up, {what}", measured=service.start(), unit="s", most=15)
        service.stop()
