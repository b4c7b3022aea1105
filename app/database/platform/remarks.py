"""What a check of the platform says."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a remark asks for: nothing, a decision, or a change without which it does not work."""

    FITS = "fits"
    ADOPTED = "adopted"
    DECIDE = "decide"
    OBSTACLE = "obstacle"


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence on one subject. `how` says what to do about it."""

    kind: Kind
    subject: str
    says: str
    how: str = ""
