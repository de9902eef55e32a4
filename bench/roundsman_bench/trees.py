"""Trees to work on. The same seed gives the same tree, byte for byte."""
import hashlib
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
WORDS = [f"{first}_{second}" for first in ("get", "set", "map", "free", "probe") for second in "abcdefghijkl"]
"""What the lines of invented source code are made of."""


@dataclass
class Tree:
    """A tree that was made below `root`, and which parts of it a scenario takes."""

    name: str
    root: Path
    top: str
    """Its biggest directory at the top; a scenario that renames it says so here."""
    pair: tuple[str, str]
    """Two directories of about one size."""
    is_pair_in_top: bool

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
    return Tree("photos", root, "library", ("2010", "2011"), is_pair_in_top=True)


def sources(root, seed, _size):
    """Small files of invented source code, for where there is no Linux: 600 files in 60 directories."""
    rng = random.Random(f"sources {seed}")
    for part in ("drivers", "drivers", "drivers", "fs", "net"):
        for _ in range(12):
            folder = root / part / f"{rng.choice(WORDS)}-{rng.randrange(10**6)}"
            folder.mkdir(parents=True)
            for file in range(10):
                lines = (" ".join(rng.choices(WORDS, k=6)) for _ in range(rng.randrange(1, 150)))
                (folder / f"part{file}.c").write_text("\n".join(lines))
    return Tree("sources", root, "drivers", ("fs", "net"), is_pair_in_top=False)


def linux(root, package):
    """The source of Linux from Debian's package `linux-source-*.deb`, or from its `.tar.xz`."""
    unpack = ["tar", "--extract", "--xz", "--strip-components=1", "--directory", str(root)]
    if Path(package).suffix == ".deb":
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as outer:
            inner = ["tar", "--extract", "--to-stdout", "--wildcards", "./usr/src/*.tar.xz"]
            with subprocess.Popen(inner, stdin=outer.stdout, stdout=subprocess.PIPE) as archive:
                subprocess.run(unpack, stdin=archive.stdout, check=True)
    else:
        subprocess.run([*unpack, "--file", package], check=True)
    return Tree("linux", root, "drivers", ("fs", "net"), is_pair_in_top=False)


def files(root):
    """All regular files below, sorted, so that a seed always chooses the same."""
    return sorted(path for path in Path(root).rglob("*") if path.is_file() and not path.is_symlink())


def directories(root):
    """All directories below, sorted."""
    return sorted(path for path in Path(root).rglob("*") if path.is_dir() and not path.is_symlink())


def _random_file(rng, path, smallest, largest):
    # Many small and few big ones: with this power the mean of 100 KiB to 5 MiB is 0.98 MB, as in a real library.
    size = smallest + int((largest - smallest) * rng.random() ** 4.86)
    # Three times as fast as bytes of the generator itself, and as incompressible.
    path.write_bytes(hashlib.shake_128(rng.randbytes(16)).digest(size))
