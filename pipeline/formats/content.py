"""What a reader of a format returns, and how it says that it can't."""

from dataclasses import dataclass

from pipeline.contract import Heading


class Unreadable(Exception):
    """The file is not what it claims to be; the message says so in the words shown to the instructor."""


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a file and its headings in order; at each `start` the heading's line begins.

    `title` is the name that the document gives itself elsewhere than in its text, such as a property of the file.
    """

    text: str
    headings: tuple[Heading, ...] = ()
    title: str = ""
