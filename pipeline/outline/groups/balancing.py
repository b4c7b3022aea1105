"""Neighbours divided into even groups: exact, for as many items as that takes a moment."""

from collections.abc import Sequence
from math import inf, isqrt

_MOST_STEPS = 3_000_000


def count_manageable(limit: int) -> int:
    """How many items can be divided into `limit` groups in a moment; three per group are plenty."""
    return max(limit, min(3 * limit, isqrt(2 * _MOST_STEPS // limit)))


def balance(sizes: Sequence[int], penalties: Sequence[float | None], limit: int) -> list[int]:
    """Where the groups begin, in order: at most `limit` of them, as even as can be.

    `penalties[i]` is the price of having items i - 1 and i in one group, None where they must not be; a price of 1
    is the gain of an empty group over one of average size. With more fixed boundaries than `limit` allows, only these.
    """
    count = len(sizes)
    fixed = [at for at in range(count) if at == 0 or penalties[at] is None]
    if count <= limit or len(fixed) >= limit:
        return list(range(count)) if count <= limit else fixed
    mean = max(sum(sizes) / limit, 1)
    ends = [0.0]  # the size, and the price of all boundaries, up to each item
    prices = [0.0]
    for size, penalty in zip(sizes, penalties, strict=True):
        ends.append(ends[-1] + size / mean)
        prices.append(prices[-1] + (penalty or 0))
    earliest = [max(at for at in fixed if at <= item) for item in range(count)]
    best = [0.0] + [inf] * count
    choices: list[list[int]] = []
    for _ in range(limit):
        cost, choice = [inf] * (count + 1), [0] * (count + 1)
        for end in range(1, count + 1):
            for start in range(earliest[end - 1], end):
                total = best[start] + (ends[end] - ends[start]) ** 2 + prices[end] - prices[start + 1]
                if total < cost[end]:
                    cost[end], choice[end] = total, start
        best = cost
        choices.append(choice)
    starts = []
    end = count
    for choice in reversed(choices):
        end = choice[end]
        starts.append(end)
    return starts[::-1]
