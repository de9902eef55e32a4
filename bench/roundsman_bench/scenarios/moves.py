"""Moves and copies: nothing in the tree is new, so next to nothing should be sent."""
import os
import random
import shutil

from .. import targets, trees
from .step import Step

TARGETS = targets.MOVES
"""What is aimed at."""

SHARE = 5
"""One file in so many moves to another directory."""

SAMPLE = 200
"""So many files of a renamed directory are compared byte for byte."""


def steps(tree, seed):
    """Everything that moves, on this tree."""
    return [
        Step("first round", lambda _: [tree.root / tree.top], is_repeated=False),
        Step("unchanged"),
        Step("rename the top directory", lambda turn: rename_top(tree, turn)),
        Step("swap two directories", lambda _: swap(*tree.directories())),
        Step("move 20 % of the files", lambda turn: shuffle(tree, random.Random(f"shuffle {seed} {turn}"))),
        Step("swap two files", lambda turn: swap_files(tree, random.Random(f"swap {seed} {turn}"))),
        Step("copy a directory", lambda turn: copy(tree, turn), undo=lambda turn: remove_copy(tree, turn)),
    ]


def rename_top(tree, turn):
    """Gives the top directory another name."""
    name = f"{tree.top.split('.')[0]}.{turn + 1}"
    (tree.root / tree.top).rename(tree.root / name)
    tree.top = name
    return trees.files(tree.root / name)[:SAMPLE]


def swap(one, other):
    """Exchanges the names of two paths."""
    aside = one.with_name(f"{one.name}.aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    return [one, other]


def shuffle(tree, rng):
    """Moves one file in `SHARE` to another directory; its name stays unless it is taken there."""
    everything = trees.files(tree.root)
    folders = [folder for folder in trees.directories(tree.root) if folder.name != ".stfolder"]
    moved = []
    for number, file in enumerate(rng.sample(everything, len(everything) // SHARE)):
        target = _another(rng, folders, file.parent) / file.name
        if os.path.lexists(target):
            target = target.with_name(f"{file.stem}-{number}{file.suffix}")
        file.rename(target)
        moved.append(target)
    return moved


def swap_files(tree, rng):
    """Exchanges two files of different sizes."""
    everything = trees.files(tree.root)
    one = rng.choice(everything)
    other = next(file for file in rng.sample(everything, len(everything)) if _size(file) != _size(one))
    return swap(one, other)


def copy(tree, turn):
    """Copies a directory, times included."""
    target = _copy_of(tree, turn)
    shutil.copytree(tree.directories()[0], target, symlinks=True)
    return [target]


def remove_copy(tree, turn):
    """Deletes the copy."""
    shutil.rmtree(_copy_of(tree, turn))
    return []


def _another(rng, folders, than):
    return next(folder for folder in iter(lambda: rng.choice(folders), None) if folder != than)


def _copy_of(tree, turn):
    original = tree.directories()[0]
    return original.with_name(f"{original.name}.copy{turn}")


def _size(file):
    return file.stat().st_size
