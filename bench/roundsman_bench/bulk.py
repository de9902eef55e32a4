"""Trees of much: big files, and a million small ones. The same seed gives the same tree, byte for byte."""
import random

from . import contents
from .contents import KIB, MIB
from .trees import Tree

BIG = {"full": (1024 * MIB, 2048 * MIB), "small": (8 * MIB, 8 * MIB)}
"""Bytes of a file that does not compress, and of a log, in each size."""

MILLION = {"full": (1_000_000, 43_113), "small": (2000, 86)}
"""Files and directories in each size."""

SMALL_FILE = 4 * KIB
"""Bytes that a file of the million has at most."""

BRANCHES = 35
"""Directories in a directory of the million, so that three levels hold all."""


def noise(root, seed, size):
    """One file that does not compress: 1 GiB."""
    contents.fill_with_noise(random.Random(f"noise {seed}"), root / "noise.bin", BIG[size][0])
    return Tree("random", root)


def text(root, seed, size):
    """One log: 2 GiB."""
    contents.fill_with_log(random.Random(f"text {seed}"), root / "service.log", BIG[size][1])
    return Tree("text", root)


def big(root, seed, size):
    """Four files that do not compress and a log: 6.4 GB."""
    rng = random.Random(f"big {seed}")
    for number in range(4):
        contents.fill_with_noise(rng, root / f"noise{number}.bin", BIG[size][0])
    contents.fill_with_log(rng, root / "service.log", BIG[size][1])
    return Tree("big", root)


def million(root, seed, size):
    """Files of invented source code of 0 to 4 KiB, small ones more often, some 23 a directory: 1.9 GB."""
    files, directories = MILLION[size]
    rng = random.Random(f"million {seed}")
    stream = contents.Pieces(contents.code(rng))
    folders = [root]
    for number in range(1, directories + 1):
        folders.append(folders[(number - 1) // BRANCHES] / f"d{number}")
        folders[-1].mkdir()
    # A directory is filled before the next: creating here and there would take several times as long.
    for number, folder in enumerate(sorted(rng.choices(range(directories), k=files))):
        (folders[folder + 1] / f"f{number}.c").write_bytes(stream.take(int((SMALL_FILE + 1) * rng.random() ** 1.15)))
    return Tree("million", root)
