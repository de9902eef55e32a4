"""The kinds of targets: each says of a run's figures whether they are what was aimed at.

`judge(runs)` gives the figure found, what was aimed at, and whether that is reached; nothing where a figure is missing.
"""
from dataclasses import dataclass
from statistics import median

from . import table

OURS = "roundsman"
"""Whose figures are judged."""


@dataclass(frozen=True)
class Bytes:
    """At most so many bytes on the wire, both ways together."""

    tree: str
    step: str
    at_most: int
    is_timed = False

    def judge(self, runs):
        """As above."""
        found = _on_wire(runs, self, OURS)
        if not found:
            return None
        return table.size(max(found)), f"<= {table.size(self.at_most)} on the wire", max(found) <= self.at_most


def _beside(aim, ratio, of_what=""):
    """What a ratio to a peer comes to."""
    return f"{ratio:.3f}x", f"<= {aim.at_most}x {aim.peer}{of_what}", ratio <= aim.at_most


@dataclass(frozen=True)
class Share:
    """At most so many times the bytes that a peer has on the wire, both ways together."""

    tree: str
    step: str
    peer: str
    at_most: float
    is_timed = False

    def judge(self, runs):
        """As above."""
        ours, theirs = _on_wire(runs, self, OURS), _on_wire(runs, self, self.peer)
        if not ours or not theirs:
            return None
        return _beside(self, max(ours) / median(theirs), "'s bytes")


@dataclass(frozen=True)
class Wall:
    """At most so many times as long as a peer, from start to end."""

    tree: str
    step: str
    peer: str
    at_most: float
    is_timed = True

    def judge(self, runs):
        """As above."""
        ours, theirs = ([run.measured.wall_seconds for run in _of(runs, self, peer)] for peer in (OURS, self.peer))
        if not ours or not theirs:
            return None
        return _beside(self, median(ours) / median(theirs))


@dataclass(frozen=True)
class Memory:
    """At most so many bytes of resident memory on either side."""

    tree: str
    step: str
    at_most: int
    is_timed = False

    def judge(self, runs):
        """As above."""
        sides = [side for run in _of(runs, self, OURS) for side in (run.measured.client, run.measured.receiver)]
        if not sides:
            return None
        largest = max(side.peak_rss for side in sides)
        return table.mebibytes(largest), f"<= {table.mebibytes(self.at_most)} on each side", largest <= self.at_most


@dataclass(frozen=True)
class Count:
    """At most so many of what roundsman says of itself, such as `changes` or `files_opened`."""

    tree: str
    step: str
    fact: str
    at_most: int
    is_timed = False

    def judge(self, runs):
        """As above."""
        found = [run.measured.facts.get(self.fact) for run in _of(runs, self, OURS)]
        if not found or None in found:
            return None
        return str(max(found)), f"{self.fact.replace('_', ' ')} <= {self.at_most}", max(found) <= self.at_most


def _of(runs, aim, peer):
    return [run for run in runs if (run.tree, run.step, run.peer) == (aim.tree, aim.step, peer)]


def _on_wire(runs, aim, peer):
    """The bytes of each of a tool's runs; nothing if somebody did not count."""
    wires = [run.measured.wire for run in _of(runs, aim, peer)]
    return [] if any(wire.up is None for wire in wires) else [wire.up + wire.down for wire in wires]
