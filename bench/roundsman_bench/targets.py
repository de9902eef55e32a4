"""What was aimed at, and whether it was reached in this run."""
from dataclasses import dataclass

from .aims import Bytes, Count, Memory, Share, Wall

KB, MB = 1000, 1000_000

RENAME, SHUFFLE = "rename the top directory", "move 20 % of the files"
SWAP, COPY = "swap two files", "copy a directory"

# The second change of a rename is the time of the directory that holds it.
MOVES = [
    *(target for tree in ("photos", "sources", "linux") for target in (
        Count(tree, RENAME, "changes", 2), Count(tree, RENAME, "files_opened", 0), Bytes(tree, RENAME, 4 * KB),
        Count(tree, SWAP, "files_opened", 2), Bytes(tree, SWAP, 4 * KB))),
    *(Wall(tree, RENAME, peer, 0.05) for tree in ("photos", "linux") for peer in ("rsync", "syncthing")),
    Bytes("photos", SHUFFLE, 100 * KB), Wall("photos", SHUFFLE, "rsync", 0.4),
    Bytes("photos", COPY, 60 * KB), Wall("photos", COPY, "syncthing", 0.5),
]
"""What moves are to cost."""

FIRST, RELEASE = "first round", "point release"
FRONT, APPEND, OVERWRITE = "1 byte in front", "1 MiB at the end", "10 x 4 KiB overwritten"
LINE = "a line in the middle"
MEMORY = 128 << 20
"""Bytes of resident memory that each side may have, whatever it is given."""

TRANSFER = [
    Share("linux", FIRST, "rsync-z", 1.1), Wall("linux", FIRST, "rsync-z", 1.0),
    Bytes("linux", RELEASE, 1550 * KB), Wall("linux", RELEASE, "rsync", 0.5),
    Bytes("random", FRONT, 60 * KB), Bytes("random", APPEND, 1100 * KB), Bytes("random", OVERWRITE, 360 * KB),
    *(Wall("random", step, peer, at_most) for step in (FRONT, APPEND, OVERWRITE)
      for peer, at_most in (("rsync", 1.0), ("rsync-fsync", 0.8))),
    Bytes("text", LINE, 60 * KB), Wall("text", LINE, "rsync", 1.0),
    *(Wall(tree, FIRST, "rsync+sync", 1.1) for tree in ("big", "photos")),
    Share("million", FIRST, "rsync", 0.6), Wall("million", FIRST, "rsync", 0.8),
    *(Memory(tree, step, MEMORY) for tree, step in (
        ("linux", FIRST), ("linux", RELEASE), ("random", FIRST), ("random", FRONT), ("text", FIRST), ("text", LINE),
        ("big", FIRST), ("photos", FIRST), ("million", FIRST))),
    Wall("linux at 50mbit", FIRST, "rsync-z", 1.0), Wall("linux at 50mbit", RELEASE, "rsync-z", 0.6),
]
"""What new contents are to cost."""


@dataclass(frozen=True)
class Verdict:
    """One target and what was found."""

    target: Bytes | Count | Memory | Share | Wall
    found: str
    aim: str
    is_reached: bool


def verdicts(targets, runs, kinds):
    """Of every target of these kinds that this run has figures for."""
    judged = ((target, target.judge(runs)) for target in targets if isinstance(target, kinds))
    return [Verdict(target, *verdict) for target, verdict in judged if verdict is not None]


def is_missed(verdicts_found):
    """Whether a target of bytes or counts was missed; seconds never fail a run."""
    return any(not verdict.is_reached and not verdict.target.is_timed for verdict in verdicts_found)


def markdown(verdicts_found):
    """One line a target; nothing where there are none."""
    if not verdicts_found:
        return ""
    lines = [f"| {verdict.target.tree} | {verdict.target.step} | {verdict.aim} | {verdict.found} | "
             f"{'yes' if verdict.is_reached else '**no**'} |\n" for verdict in verdicts_found]
    head = "| tree | step | target | found | reached |\n| --- | --- | --- | --- | --- |\n"
    return f"### targets\n\n{head}{''.join(lines)}"
