"""Whether a mirror is what its source is."""
import os
import stat
from pathlib import Path

READ_AT_MOST = 1 << 30
"""Bytes of edited files that are compared after one step; all paths, kinds and sizes always are."""

OURS = {".stfolder"}
"""What a peer needs at the top of both trees for itself."""


def listing(root):
    """Every path below, with its kind and its size or target."""
    found, waiting = {}, [""]
    while waiting:
        parent = waiting.pop()
        with os.scandir(os.path.join(root, parent)) as entries:
            for entry in entries:
                path = os.path.join(parent, entry.name)
                if path in OURS:
                    continue
                found[path] = _shape(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
    return found


def differences(source, listed, mirror, edited):
    """What is wrong at the mirror, for people; `listed` is the source's listing, `edited` are paths below it whose
    bytes are compared, directories with all that is in them."""
    theirs = listing(mirror)
    wrong = [f"missing: {path}" for path in listed.keys() - theirs.keys()]
    wrong += [f"too much: {path}" for path in theirs.keys() - listed.keys()]
    both = listed.keys() & theirs.keys()
    wrong += [f"{path}: {theirs[path]} instead of {listed[path]}" for path in both if listed[path] != theirs[path]]
    if wrong:
        return sorted(wrong)
    return [f"other bytes: {path}" for path in _to_read(source, listed, edited) if not _same(source, mirror, path)]


def warm(source, listed, edited):
    """Reads what was edited once, so that no tool pays for being the first to read it from the disk."""
    for file in _to_read(source, listed, edited):
        Path(source, file).read_bytes()


def _shape(entry):
    if entry.is_symlink():
        return "link", os.readlink(entry.path)
    status = entry.stat(follow_symlinks=False)
    return ("file", status.st_size) if stat.S_ISREG(status.st_mode) else ("other", stat.S_IFMT(status.st_mode))


def _to_read(source, listed, edited):
    room = READ_AT_MOST
    for path in edited:
        below = os.path.relpath(path, source)
        inside = [below] if listed[below][0] == "file" else [at for at in listed if at.startswith(below + os.sep)]
        for file in sorted(at for at in inside if listed[at][0] == "file"):
            room -= listed[file][1]
            if room < 0:
                return
            yield file


def _same(source, mirror, path):
    return Path(source, path).read_bytes() == Path(mirror, path).read_bytes()
