"""Trees of many directories. The same seed gives the same tree, byte for byte."""
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import contents
from .contents import KIB

WORDS = [f"{first}_{second}" for first in ("get", "set", "map", "free", "probe") for second in "abcdefghijkl"]
"""What the lines of invented source code are made of."""


@dataclass
class Tree:
    """A tree that was made below `root`."""

    name: str
    root: Path


@dataclass
class Parted(Tree):
    """A tree whose directories can be moved about."""

    top: str
    """Its biggest directory at the top; a scenario that renames it says so here."""
    pair: tuple[str, str]
    """Two directories of about one size."""
    is_pair_in_top: bool
    next_release: Callable[[Path], None] | None = None
    """Makes the next release of this tree in an empty directory, where there is one."""

    def directories(self):
        """The pair, as it lies now."""
        base = self.root / self.top if self.is_pair_in_top else self.root
        return [base / name for name in self.pair]


def photos(root, seed, size):
    """A library of years and events with incompressible files; `full` is 5,000 files and 4.9 GB in 112 directories."""
    years, events, files, shape = {
        "full": (10, 10, 50, (100 * KIB, 5120 * KIB)),
        "small": (4, 3, 10, (4 * KIB, 60 * KIB)),
    }[size]
    rng = random.Random(f"photos {seed}")
    for year in range(years):
        for event in range(events):
            folder = root / "library" / str(2010 + year) / f"event-{event:02}"
            folder.mkdir(parents=True)
            for file in range(files):
                _random_file(rng, folder / f"img-{year:02}{event:02}{file:03}.jpg", *shape)
    return Parted("photos", root, "library", ("2010", "2011"), is_pair_in_top=True)


def sources(root, seed, size):
    """Small files of invented source code, for where there is no Linux: 600 files in 60 directories."""
    rng = random.Random(f"sources {seed}")
    for part in ("drivers", "drivers", "drivers", "fs", "net"):
        for _ in range(12):
            folder = root / part / f"{rng.choice(WORDS)}-{rng.randrange(10**6)}"
            folder.mkdir(parents=True)
            for file in range(10):
                lines = (_line(rng) for _ in range(rng.randrange(1, 150)))
                (folder / f"part{file}.c").write_text("\n".join(lines))

    def next_release(empty):
        sources(empty, seed, size)
        _develop(empty, random.Random(f"release {seed}"))

    return Parted("sources", root, "drivers", ("fs", "net"), is_pair_in_top=False, next_release=next_release)


def linux(root, package, next_package=None):
    """The source of Linux from Debian's package `linux-source-*.deb`, or from its `.tar.xz`."""
    _unpack(root, package)
    next_release = None if next_package is None else lambda empty: _unpack(empty, next_package)
    return Parted("linux", root, "drivers", ("fs", "net"), is_pair_in_top=False, next_release=next_release)


def files(root):
    """All regular files below, sorted, so that a seed always chooses the same."""
    return sorted(path for path in Path(root).rglob("*") if path.is_file() and not path.is_symlink())


def directories(root):
    """All directories below, sorted."""
    return sorted(path for path in Path(root).rglob("*") if path.is_dir() and not path.is_symlink())


def _random_file(rng, path, smallest, largest):
    # Many small and few big ones: with this power the mean of 100 KiB to 5 MiB is 0.98 MB, as in a real library.
    path.write_bytes(contents.noise(rng, smallest + int((largest - smallest) * rng.random() ** 4.86)))


def _line(rng):
    return " ".join(rng.choices(WORDS, k=6))


def _develop(root, rng):
    """Edits one file in 20, adds a directory, deletes a file."""
    everything = files(root)
    for file in rng.sample(everything, len(everything) // 20):
        lines = file.read_text().split("\n")
        lines[rng.randrange(len(lines))] = _line(rng)
        file.write_text("\n".join(lines))
    (root / "sound").mkdir()
    (root / "sound" / "new.c").write_text("\n".join(_line(rng) for _ in range(100)))
    everything[0].unlink()


def _unpack(root, package):
    unpack = ["tar", "--extract", "--xz", "--strip-components=1", "--directory", str(root)]
    if Path(package).suffix != ".deb":
        subprocess.run([*unpack, "--file", package], check=True)
        return
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as outer:
        inner = ["tar", "--extract", "--to-stdout", "--wildcards", "./usr/src/*.tar.xz"]
        with subprocess.Popen(inner, stdin=outer.stdout, stdout=subprocess.PIPE) as archive:
            subprocess.run(unpack, stdin=archive.stdout, check=True)
