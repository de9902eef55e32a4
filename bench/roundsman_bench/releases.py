"""Two releases of one tree, as a checkout switches between them: only what differs is written, and gets a new time."""
import filecmp
import os
import shutil

from . import compare


class Releases:
    """A tree, and beside it what differs in its next release. The tree holds the first of them."""

    def __init__(self, root, make_next):
        self.root = root
        beside = root.parent / f"{root.name}.releases"
        self.kept = [beside / "first", beside / "next"]
        for folder in self.kept:
            folder.mkdir(parents=True)
        make_next(self.kept[1])
        self.shapes = [compare.listing(root), compare.listing(self.kept[1])]
        self.differing = sorted(path for path in self.shapes[0].keys() | self.shapes[1].keys() if self._differs(path))
        self._keep()
        self.current = 0

    def switch(self, to):
        """Brings the tree to the first (0) or the next (1) release; returns the paths that were written."""
        if to == self.current:
            return []
        wanted, self.current = self.shapes[to], to
        for path in reversed(self.differing):
            _remove(self.root / path)
        written = [path for path in self.differing if path in wanted]
        for path in written:
            _put(self.kept[to] / path, self.root / path)
        return [self.root / path for path in written]

    def _differs(self, path):
        first, following = (shapes.get(path) for shapes in self.shapes)
        if first != following:
            return True
        one, other = self.root / path, self.kept[1] / path
        return first[0] == "file" and (
            os.stat(one).st_mode != os.stat(other).st_mode or not filecmp.cmp(one, other, shallow=False))

    def _keep(self):
        """Keeps the first release's side of the differences, and only the differences of the next one."""
        for path in self.differing:
            if path in self.shapes[0]:
                (self.kept[0] / path).parent.mkdir(parents=True, exist_ok=True)
                _put(self.root / path, self.kept[0] / path)
        whole = self.kept[1].rename(self.kept[1].with_name("whole"))
        self.kept[1].mkdir()
        for path in self.differing:
            if path in self.shapes[1]:
                (self.kept[1] / path).parent.mkdir(parents=True, exist_ok=True)
                _put(whole / path, self.kept[1] / path)
        shutil.rmtree(whole)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _put(origin, target):
    """A copy with the same content and mode, and with the time of now."""
    if origin.is_symlink():
        target.symlink_to(os.readlink(origin))
    elif origin.is_dir():
        target.mkdir(exist_ok=True)
    else:
        shutil.copy(origin, target)
