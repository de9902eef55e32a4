"""Edits within one file, which keeps its inode."""
import os

from .contents import KIB, MIB

PAGE = 4 * KIB
"""Bytes that are overwritten in one place."""


def insert(path, at, piece):
    """Puts a piece, a MiB at most, before the byte `at` and moves on everything behind it."""
    with open(path, "rb") as old, open(path, "r+b") as new:
        old.seek(at)
        new.seek(at)
        # What is written always lies before what is to be read.
        for block in iter(lambda: old.read(MIB), b""):
            new.write(piece)
            piece = block
        new.write(piece)


def append(path, piece):
    """Puts a piece at the end."""
    with open(path, "ab") as file:
        file.write(piece)


def overwrite(rng, path, pieces):
    """Writes each piece over what lies anywhere in the file."""
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        for piece in pieces:
            file.seek(rng.randrange(size - len(piece)))
            file.write(piece)


def start_of_line(path, near):
    """Where the first line behind `near` begins."""
    with open(path, "rb") as file:
        file.seek(near)
        file.readline()
        return file.tell()
