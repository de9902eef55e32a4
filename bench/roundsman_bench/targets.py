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
        return table.size(median(found)), f"<= {table.size(self.at_most)} on the wire", median(found) <= self.at_most


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
class Opened:
    """No file opened by the scan."""

    tree: str
    step: str

    def judge(self, runs):
        """As above."""
        found = [run.measured.facts["files_opened"] for run in _of(runs, self.tree, self.step, "roundsman")]
        return (f"{max(found)} files", "no file opened", max(found) == 0) if found else None


RENAME, SHUFFLE = "rename the top directory", "move 20 % of the files"
SWAP, COPY = "swap two files", "copy a directory"

MOVES = [
    *(target for tree in ("photos", "linux") for target in (
        Bytes(tree, RENAME, 4000), Opened(tree, RENAME), Wall(tree, RENAME, "rsync", 0.05),
        Wall(tree, RENAME, "syncthing", 0.05), Bytes(tree, SWAP, 4000))),
    Bytes("photos", SHUFFLE, 100_000), Wall("photos", SHUFFLE, "rsync", 0.4),
    Bytes("photos", COPY, 60_000), Wall("photos", COPY, "syncthing", 0.5),
]
"""What moves are to cost on the big trees."""


def markdown(targets, runs):
    """One line a target that this run has figures for; nothing where there are none."""
    judged = [(target, target.judge(runs)) for target in targets]
    lines = [f"| {target.tree} | {target.step} | {aim} | {found} | {'yes' if reached else '**no**'} |\n"
             for target, (found, aim, reached) in ((target, verdict) for target, verdict in judged if verdict)]
    if not lines:
        return ""
    return "### targets\n\n| tree | step | target | found | reached |\n| --- | --- | --- | --- | --- |\n" + "".join(lines)


def _of(runs, tree, step, peer):
    return [run for run in runs if (run.tree, run.step, run.peer) == (tree, step, peer)]


def _on_wire(run):
    wire = run.measured.wire
    return None if wire.up is None else wire.up + wire.down
