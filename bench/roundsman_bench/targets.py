"""What was aimed at, and whether it was reached in this run."""
from dataclasses import dataclass
from statistics import median

from . import table


@dataclass(frozen=True)
class Bytes:
    """At most so many bytes on the wire, both ways together."""

    tree: str
    step: str
    at_most: int

    def judge(self, runs):
        """The figure found, what was aimed at, and whether that is reached; nothing without a figure."""
        found = [_on_wire(run) for run in _of(runs, self.tree, self.step, "roundsman")]
        if not found or None in found:
            return None
        return table.size(max(found)), f"<= {table.size(self.at_most)} on the wire", max(found) <= self.at_most


@dataclass(frozen=True)
class Wall:
    """At most so many times as long as a peer, from start to end."""

    tree: str
    step: str
    peer: str
    at_most: float

    def judge(self, runs):
        """As above."""
        ours, theirs = ([run.measured.wall_seconds for run in _of(runs, self.tree, self.step, peer)]
                        for peer in ("roundsman", self.peer))
        if not ours or not theirs:
            return None
        ratio = median(ours) / median(theirs)
        return f"{ratio:.3f}x", f"<= {self.at_most}x {self.peer}", ratio <= self.at_most


@dataclass(frozen=True)
class Count:
    """At most so many of what roundsman says of itself, such as `changes` or `files_opened`."""

    tree: str
    step: str
    fact: str
    at_most: int

    def judge(self, runs):
        """As above."""
        found = [run.measured.facts.get(self.fact) for run in _of(runs, self.tree, self.step, "roundsman")]
        if not found or None in found:
            return None
        return str(max(found)), f"{self.fact.replace('_', ' ')} <= {self.at_most}", max(found) <= self.at_most


RENAME, SHUFFLE = "rename the top directory", "move 20 % of the files"
SWAP, COPY = "swap two files", "copy a directory"

# The second change of a rename is the time of the directory that holds it.
MOVES = [
    *(target for tree in ("photos", "sources", "linux") for target in (
        Count(tree, RENAME, "changes", 2), Count(tree, RENAME, "files_opened", 0), Bytes(tree, RENAME, 4000),
        Count(tree, SWAP, "files_opened", 2), Bytes(tree, SWAP, 4000))),
    *(Wall(tree, RENAME, peer, 0.05) for tree in ("photos", "linux") for peer in ("rsync", "syncthing")),
    Bytes("photos", SHUFFLE, 100_000), Wall("photos", SHUFFLE, "rsync", 0.4),
    Bytes("photos", COPY, 60_000), Wall("photos", COPY, "syncthing", 0.5),
]
"""What moves are to cost."""


@dataclass(frozen=True)
class Verdict:
    """One target and what was found."""

    target: Bytes | Wall | Count
    found: str
    aim: str
    is_reached: bool


def verdicts(targets, runs, kinds):
    """Of every target of these kinds that this run has figures for."""
    judged = ((target, target.judge(runs)) for target in targets if isinstance(target, kinds))
    return [Verdict(target, *verdict) for target, verdict in judged if verdict is not None]


def is_missed(verdicts_found):
    """Whether a target of bytes or counts was missed; seconds never fail a run."""
    return any(not verdict.is_reached and not isinstance(verdict.target, Wall) for verdict in verdicts_found)


def markdown(verdicts_found):
    """One line a target; nothing where there are none."""
    if not verdicts_found:
        return ""
    lines = [f"| {verdict.target.tree} | {verdict.target.step} | {verdict.aim} | {verdict.found} | "
             f"{'yes' if verdict.is_reached else '**no**'} |\n" for verdict in verdicts_found]
    head = "| tree | step | target | found | reached |\n| --- | --- | --- | --- | --- |\n"
    return f"### targets\n\n{head}{''.join(lines)}"


def _of(runs, tree, step, peer):
    return [run for run in runs if (run.tree, run.step, run.peer) == (tree, step, peer)]


def _on_wire(run):
    wire = run.measured.wire
    return None if wire.up is None else wire.up + wire.down
