"""rsync against its own daemon: `rsync --archive --delete SOURCE/ rsync://...`."""
import os
import shutil
import subprocess

from .place import Broken, wait_for_port

DAEMON = """
use chroot = {chroot}
uid = {uid}
gid = {gid}
[mirror]
path = {path}
read only = no
munge symlinks = no
"""


class Rsync:
    """One daemon, one client a round."""

    def __init__(self, place, *options):
        self.place = place
        self.options = options

    @staticmethod
    def missing(_command):
        """Why it cannot be measured here; nothing if it can."""
        return None if shutil.which("rsync") else "there is no rsync(1)"

    def start(self):
        """Starts the daemon and waits for it."""
        config = self.place.state / "rsyncd.conf"
        owner = self.mirror()
        owner.mkdir()
        status = owner.stat()
        # Without a root of its own the daemon rewrites symlinks that lead far up.
        chroot = "yes" if os.geteuid() == 0 else "no"
        config.write_text(DAEMON.format(path=owner, uid=status.st_uid, gid=status.st_gid, chroot=chroot))
        listen = ["--address", "127.0.0.1", "--port", str(self.place.port)]
        self.place.receiver.start(["rsync", "--daemon", "--no-detach", "--config", config, *listen],
                                  stdin=subprocess.DEVNULL)
        wait_for_port(self.place.port)

    def round(self):
        """Delivers once."""
        target = f"rsync://127.0.0.1:{self.place.port}/mirror/"
        command = ["rsync", "--archive", "--delete", *self.options, f"{self.place.source}/", target]
        code = self.place.client.finish(self.place.client.start(command))
        if code != 0:
            raise Broken(f"{' '.join(command)}: exit code {code}")
        return {}

    def mirror(self):
        """Where its copy of the source lies."""
        return self.place.data / "mirror"
