"""What a benchmark hands back, and how two contestants are measured side by side."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. A unit `.../s` is better when more, every other when less."""

    what: str
    measured: float
    unit: str
    beside: float | None = None
    """The limit or the peer, in the same unit and from the same run."""
    peer: str = ""
    least_ratio: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Above 1 it beats what stands beside it, whatever the unit."""
        if self.beside is None:
            return None
        if self.unit.endswith("/s"):
            return self.measured / self.beside
        return self.beside / self.measured

    @property
    def target(self) -> str:
        if self.least_ratio is not None:
            return f"ratio >= {self.least_ratio:g}"
        return f"<= {self.most:g} {self.unit}" if self.most is not None else ""

    @property
    def met(self) -> bool | None:
        """None where nothing is promised."""
        if self.least_ratio is not None and self.ratio is not None:
            return self.ratio >= self.least_ratio
        return self.measured <= self.most if self.most is not None else None

    @property
    def row(self) -> dict[str, Any]:
        facts = {"ratio": self.ratio, "target": self.target, "met": self.met}
        return msgspec.to_builtins(self) | facts


def turns(rounds: int, *contestants: Callable[[], T]) -> list[list[T]]:
    """What each gave in every round; the order turns round by round, so that drift hits all."""
    results: list[list[T]] = [[] for _ in contestants]
    for number in range(rounds):
        order = list(zip(contestants, results, strict=True))
        for contestant, result in order if number % 2 == 0 else reversed(order):
            result.append(contestant())
    return results


def medians(rounds: int, *contestants: Callable[[], float]) -> list[float]:
    return [median(results) for results in turns(rounds, *contestants)]


def paired(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """The median of ours, and what stands beside it by the median of the rounds' ratios: what slows
    the machine down for a while hits both of a round."""
    middle = median(ours)
    return middle, middle / median(a / b for a, b in zip(ours, theirs, strict=True))


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Of this process: what computing costs, whoever else is at it on the machine."""
    began = time.process_time()
    work()
    return time.process_time() - began


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
