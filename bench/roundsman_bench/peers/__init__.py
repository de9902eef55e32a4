"""The tools that are measured, each driven as its own manual says."""
from .roundsman import Roundsman
from .rsync import Rsync
from .syncthing import Syncthing

KINDS = {
    "roundsman": (Roundsman, ()),
    # What stat says of inodes is not believed: as on a file system that gives out new ones.
    "roundsman-no-inodes": (Roundsman, ("--ignore-inodes",)),
    "rsync": (Rsync, ()),
    "rsync-z": (Rsync, ("--compress",)),
    "rsync-fsync": (Rsync, ("--fsync",)),
    "syncthing": (Syncthing, ()),
}
"""Every tool by the name it has in the tables: how it is driven, with which options of its own."""

USUAL = ("roundsman", "roundsman-no-inodes", "rsync", "rsync-z", "syncthing")
"""Those that are measured unless others are asked for."""


def missing(name, command):
    """Why this tool cannot be measured here; nothing if it can. `command` is the roundsman to measure."""
    return KINDS[name][0].missing(command)


def make(name, place):
    """A tool of this name that works at this place."""
    kind, options = KINDS[name]
    return kind(place, *options)
