"""One thing that is done to the source before every tool delivers it."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def nothing(_turn):
    """An edit that changes nothing."""
    return []


@dataclass(frozen=True)
class Step:
    """An edit of the source, done anew in each turn."""

    name: str
    edit: Callable[[int], list[Path]] = nothing
    """Given the turn's number; returns the paths whose bytes are then compared."""
    undo: Callable[[int], list[Path]] | None = None
    """What makes room again; delivered, but not measured."""
    is_repeated: bool = True
    """Whether it can be done more than once."""
