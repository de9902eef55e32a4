"""New contents: first rounds, and edits of which only what is new should be sent."""
import os
import random

from .. import compare, contents, edits, targets
from ..contents import MIB
from ..releases import Releases
from .step import Step

TARGETS = targets.TRANSFER
"""What is aimed at."""

TREES = {
    "small": ["sources", "random", "text", "big", "photos", "million"],
    "full": ["linux", "random", "text", "big", "photos", "million"],
}
"""The trees of each size."""

IS_AFRESH = True
"""Each turn begins with empty mirrors, so that a first round is measured as often as the rest."""

PEERS = {
    "random": ("roundsman", "rsync", "rsync-z", "rsync-fsync"),
    "big": ("roundsman", "rsync", "rsync+sync"),
    "photos": ("roundsman", "rsync", "rsync+sync"),
    "million": ("roundsman", "rsync"),
}
"""Where these are enough: more would take room or time and tell nothing."""

OVERWRITTEN = 10
"""Places of a file that are overwritten in one step."""


def peers(tree, link):
    """Who is measured on this tree unless others are asked for."""
    return ("roundsman", "rsync-z") if link else PEERS.get(tree, ("roundsman", "rsync", "rsync-z"))


def steps(tree, seed):
    """What is done to this tree; each edit on the file as the one before left it."""
    rng = random.Random(f"edits {seed}")
    if tree.name == "random":
        return [_first(tree), *_edits_of_noise(tree.root / "noise.bin", rng)]
    if tree.name == "text":
        return [_first(tree), Step(targets.LINE, lambda _: insert_line(tree.root / "service.log", rng))]
    if getattr(tree, "next_release", None) is not None:
        releases = Releases(tree.root, tree.next_release)
        return [_first(tree, lambda: releases.switch(0)), Step(targets.RELEASE, lambda _: releases.switch(1))]
    return [_first(tree)]


def insert_line(path, rng):
    """Puts one line of a log into the middle of a file."""
    line = next(contents.log(rng)).partition(b"\n")[0] + b"\n"
    edits.insert(path, edits.start_of_line(path, os.path.getsize(path) // 2), line)
    return [path]


def _first(tree, prepare=lambda: None):
    def everything(_turn):
        prepare()
        return sorted(path for path in tree.root.iterdir() if path.name not in compare.OURS)
    return Step(targets.FIRST, everything)


def _edits_of_noise(path, rng):
    def edited(edit, *arguments):
        edit(*arguments)
        return [path]

    def pieces():
        return [contents.noise(rng, edits.PAGE) for _ in range(OVERWRITTEN)]

    return [
        Step(targets.FRONT, lambda _: edited(edits.insert, path, 0, contents.noise(rng, 1))),
        Step(targets.APPEND, lambda _: edited(edits.append, path, contents.noise(rng, MIB))),
        Step(targets.OVERWRITE, lambda _: edited(edits.overwrite, rng, path, pieces())),
    ]
