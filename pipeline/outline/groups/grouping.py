"""Neighbours merged into groups: the one algorithm behind sections and lessons."""

import heapq
from collections.abc import Callable, Sequence

#: `cost(strength, size)`: what it costs to give up a boundary of this strength for a group of this size.
Cost = Callable[[int, int], tuple[float, ...]]


def merge_neighbours(
    sizes: Sequence[int], strengths: Sequence[int | None], limit: int, cost: Cost, smallest: int = 0
) -> list[int]:
    """Where the groups begin, in order: at most `limit` of them, unless fixed boundaries alone make more.

    `strengths[i]` is that of the boundary before item i, None where it is fixed. The cheapest boundary is
    given up first; within the limit, only where it parts a group smaller than `smallest` from its neighbour.
    """
    count = len(sizes)
    group_size = list(sizes)
    group_last = list(range(count))  # per first item of a group, its last
    group_first = list(range(count))  # per last item of a group, its first
    version = [0] * count
    heap: list[tuple[tuple[float, ...], int, int]] = []
    boundaries = [False, *(strength is not None for strength in strengths[1:])] if count else []

    def push(at: int) -> None:
        strength = strengths[at]
        if boundaries[at] and strength is not None:
            version[at] += 1
            size = group_size[group_first[at - 1]] + group_size[at]
            heapq.heappush(heap, (cost(strength, size), at, version[at]))

    for at in range(1, count):
        push(at)
    groups = count
    merged = [False] * count
    while heap:
        _, at, seen = heapq.heappop(heap)
        if seen != version[at] or not boundaries[at]:
            continue
        left = group_first[at - 1]
        if groups <= limit and min(group_size[left], group_size[at]) >= smallest:
            continue
        boundaries[at] = False
        merged[at] = True
        groups -= 1
        group_size[left] += group_size[at]
        group_last[left] = group_last[at]
        group_first[group_last[at]] = left
        push(left)
        if group_last[left] + 1 < count:
            push(group_last[left] + 1)
    return [at for at in range(count) if not merged[at]]
