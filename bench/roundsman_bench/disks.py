"""Fresh file systems in sparse files, one a tool: what one tool made and deleted must not slow the next one down."""
import os
import shutil
import subprocess
from pathlib import Path

ROOM = 48 << 30
"""Size of each file system in bytes. Its file is sparse: only what is written takes room."""

KINDS = ("ext4", "fuse2fs")
"""What a source can lie on: ext4 by the kernel, or by a FUSE server, where inode numbers do not hold."""

STEP_OF_STAMPS = {"ext4": 0.01, "fuse2fs": 2.0}
"""Seconds between two time stamps that surely differ, as a client that has learned nothing must assume."""


class Disk:
    """A file system of its own, or a plain directory where mounting is not allowed."""

    def __init__(self, work, name, kind, left_out):
        self.root = Path(work) / name
        self.image = Path(work) / f"{name}.img"
        self.root.mkdir()
        self.is_mounted = self._mount(kind)
        if not self.is_mounted:
            left_out.append(f"a fresh {kind} for each tool: it cannot be mounted here, so these are plain directories")

    def flush(self):
        """Waits until everything is on the disk."""
        subprocess.run(["sync", "--file-system", self.root], check=True)

    def drop(self):
        """Gives all its room back."""
        if self.is_mounted:
            subprocess.run(["umount", self.root], check=True)
        shutil.rmtree(self.root, ignore_errors=True)
        self.image.unlink(missing_ok=True)

    def _mount(self, kind):
        with open(self.image, "wb") as image:
            image.truncate(ROOM)
        make = ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", f"root_owner={os.getuid()}:{os.getgid()}", str(self.image)]
        return _succeeds(make) and (self._mount_loop() if kind == "ext4" else self._mount_fuse())

    def _mount_loop(self):
        attach = ["losetup", "--find", "--show", "--direct-io=on", str(self.image)]
        attached = subprocess.run(attach, capture_output=True, text=True)
        if attached.returncode != 0:
            return False
        device = attached.stdout.strip()
        mounted = _succeeds(["mount", "-t", "ext4", device, str(self.root)])
        # Detached while in use, it goes away by itself with the mount, however this run ends.
        subprocess.run(["losetup", "--detach", device], check=True)
        return mounted

    def _mount_fuse(self):
        return _succeeds(["fuse2fs", "-o", "rw,fakeroot", str(self.image), str(self.root)])


def _succeeds(command):
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True).returncode == 0
