"""The statuses of the platforms that are known, as data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

#: Our statuses of a course, in the order of a generation.
STATUSES = (
    "initializing",
    "processing_documents",
    "analyzing_task",
    "generating_structure",
    "generating_content",
    "finalizing",
    "completed",
    "failed",
    "cancelled",
)
#: Where a generation is over.
ENDS = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class StatusMap:
    """Which value of which column shows each of our statuses; None: it is not written.

    `changes` has for a value those that may follow it, sorted; empty where any may. `is_guarded`: a write may fail.
    """

    source: str
    column: str | None
    values: Mapping[str, str | None]
    changes: Mapping[str, Sequence[str]]
    is_guarded: bool = True

    def routes(self) -> Iterator[tuple[str, str, list[str]]]:
        """Each status, old value and the shortest way of several changes to the status."""
        for status, value in self.values.items():
            for old in self.changes:
                way = self._shortest(old, value, through_ends=status == "initializing") if value is not None else []
                if len(way) > 1:
                    yield status, old, way

    def _shortest(self, old: str, value: str, *, through_ends: bool) -> list[str]:
        """The values after `old` up to `value`; [] where there is no way.

        A start alone may pass through an end, by the alphabet `cancelled`: the older generation is over.
        """
        ends = {self.values[end] for end in ENDS} - {value, old}
        seen, ways = {old}, [[old]]
        for way in ways:
            for follower in self.changes.get(way[-1], ()):
                if follower == value:
                    return [*way[1:], follower]
                if follower not in seen and (through_ends or follower not in ends):
                    seen.add(follower)
                    ways.append([*way, follower])
        return []


def _identity(source: str, column: str, *, is_guarded: bool = True) -> StatusMap:
    return StatusMap(source, column, {status: status for status in STATUSES}, {}, is_guarded)


def _words(**changes: str) -> dict[str, list[str]]:
    return {value: sorted(followers.split()) for value, followers in changes.items()}


#: Our own column of text, and a platform's that takes any text.
OWN = _identity("own", "status", is_guarded=False)
TEXT = {column: _identity("text", column) for column in ("generation_status", "status")}
#: No column shows a generation.
NOT_WRITTEN = dict.fromkeys(STATUSES)
PUBLICATION = StatusMap("publication", None, NOT_WRITTEN, {})
UNKNOWN = StatusMap("unknown", None, NOT_WRITTEN, {})

PUBLICATION_LABELS = frozenset({"draft", "published", "archived"})

STAGE_1 = StatusMap(
    "stage-1",
    "generation_status",
    {status: status for status in STATUSES},
    _words(
        pending="initializing cancelled",
        initializing="processing_documents analyzing_task cancelled failed",
        processing_documents="generating_structure cancelled failed",
        analyzing_task="generating_structure cancelled failed",
        generating_structure="generating_content cancelled failed",
        generating_content="finalizing cancelled failed",
        finalizing="completed cancelled failed",
        completed="pending",
        failed="pending",
        cancelled="pending",
    ),
)

#: Its people approve between the stages. A generation passes without: no change leads to `…_awaiting_approval`.
STAGES_2_TO_5 = StatusMap(
    "stages-2-to-5",
    "generation_status",
    {
        "initializing": "stage_2_init",
        "processing_documents": "stage_2_processing",
        "analyzing_task": "stage_4_analyzing",
        "generating_structure": "stage_5_generating",
        "generating_content": "stage_5_generating",
        "finalizing": "finalizing",
        "completed": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
    },
    _words(
        pending="stage_2_init stage_4_init cancelled",
        stage_2_init="stage_2_processing stage_2_complete stage_4_init cancelled failed",
        stage_2_processing="stage_2_complete cancelled failed",
        stage_2_complete="stage_3_init stage_3_summarizing stage_4_init cancelled failed",
        stage_2_awaiting_approval="stage_3_init stage_3_summarizing stage_4_init cancelled",
        stage_3_init="stage_3_summarizing stage_3_complete stage_2_complete cancelled failed",
        stage_3_summarizing="stage_3_complete stage_2_complete cancelled failed",
        stage_3_complete="stage_4_init cancelled failed",
        stage_3_awaiting_approval="stage_4_init cancelled",
        stage_4_init="stage_4_analyzing stage_4_complete cancelled failed",
        stage_4_analyzing="stage_4_complete cancelled failed",
        stage_4_complete="stage_5_init cancelled failed",
        stage_4_awaiting_approval="stage_5_init cancelled",
        stage_5_init="stage_5_generating stage_5_complete cancelled failed",
        stage_5_generating="stage_5_complete cancelled failed",
        stage_5_complete="finalizing cancelled failed",
        stage_5_awaiting_approval="stage_5_complete finalizing cancelled",
        finalizing="completed cancelled failed",
        completed="pending stage_2_init stage_4_init",
        failed="pending stage_2_init stage_4_init",
        cancelled="pending stage_2_init stage_4_init",
    ),
)

SHIPPED = {shipped.source: shipped for shipped in (STAGE_1, STAGES_2_TO_5, PUBLICATION, OWN)}
