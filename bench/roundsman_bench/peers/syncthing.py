"""Two instances of Syncthing, one sending, one receiving. Each round is a rescan asked for over its REST interface;
it is over when the receiver has everything the sender announced and needs nothing more."""
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from .place import Broken, free_port, wait_for_port

KEY = "roundsman-bench"
"""The key of both REST interfaces, which only this machine's loopback reaches."""

LONGEST_ROUND = 900
"""Seconds after which a round counts as hung."""

POLL = 0.02
"""Seconds between two looks at how far the receiver is."""

TOTALS = ("Files", "Directories", "Symlinks", "Bytes")
"""What both instances count of a folder."""

MARKER = ".stfolder"
"""The directory that Syncthing wants to see in a folder, lest an unmounted disk be taken for an empty one."""

CONFIG = """
<configuration version="35">
  <folder id="bench" path="{path}" type="{kind}" rescanIntervalS="0" fsWatcherEnabled="false">
    <device id="{ours}"/><device id="{theirs}"/><minDiskFree unit="">0</minDiskFree>
  </folder>
  <device id="{ours}"><address>dynamic</address></device>
  <device id="{theirs}"><address>{address}</address></device>
  <gui enabled="true" tls="false"><address>127.0.0.1:{gui}</address><apikey>{key}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:{port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><startBrowser>false</startBrowser>
    <urAccepted>-1</urAccepted><crashReportingEnabled>false</crashReportingEnabled>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH><setLowPriority>false</setLowPriority>
  </options>
</configuration>
"""


class Instance:
    """One of the two."""

    def __init__(self, home, folder):
        self.home = home
        self.folder = folder
        self.gui = free_port()
        self.seen = {}
        folder.mkdir(exist_ok=True)
        (folder / MARKER).mkdir(exist_ok=True)
        _asked("syncthing", "generate", "--home", home, "--no-default-folder")
        self.device = re.search(r"[A-Z0-9]{7}(-[A-Z0-9]{7}){7}", _asked("syncthing", "--device-id", "--home", home))[0]

    def configure(self, kind, port, other, address):
        """Says what it mirrors, where it listens and whom it knows."""
        values = {"path": self.folder, "kind": kind, "ours": self.device, "theirs": other.device, "port": port}
        (self.home / "config.xml").write_text(CONFIG.format(**values, address=address, gui=self.gui, key=KEY))

    def start(self, side):
        """Starts it as a process of this side and waits for its REST interface."""
        log = open(self.home / "log", "wb")
        side.start(["syncthing", "serve", "--home", self.home, "--no-browser", "--no-restart"],
                   stdout=log, stderr=subprocess.STDOUT)
        wait_for_port(self.gui)

    def ask(self, method, path):
        """One request; its answer as a value."""
        url = f"http://127.0.0.1:{self.gui}/rest/{path}"
        request = urllib.request.Request(url, method=method, headers={"X-API-Key": KEY})
        with urllib.request.urlopen(request, timeout=LONGEST_ROUND) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def sequence(self, event):
        """The newest sequence number that events of this kind told."""
        since, newest = self.seen.get(event, (0, 0))
        for told in self.ask("GET", f"events?events={event}&since={since}&timeout=0") or []:
            since, newest = told["id"], max(newest, told["data"].get("sequence", 0))
        self.seen[event] = since, newest
        return newest


class Syncthing:
    """The sender on the client's side, the receiver on the other."""

    def __init__(self, place):
        self.place = place
        self.sender = self.receiver = None
        self.is_sending = False

    @staticmethod
    def missing(_command):
        """Why it cannot be measured here; nothing if it can."""
        return None if shutil.which("syncthing") else "there is no syncthing(1)"

    def start(self):
        """Starts the receiver; the sender begins to work as soon as it starts, which is its first round."""
        self.sender = Instance(self.place.state / "sender", self.place.source)
        self.receiver = Instance(self.place.state / "receiver", self.mirror())
        # Only the sender dials, so that all goes over the one port that is counted.
        self.sender.configure("sendonly", free_port(), self.receiver, f"tcp://127.0.0.1:{self.place.port}")
        self.receiver.configure("receiveonly", self.place.port, self.sender, "dynamic")
        self.receiver.start(self.place.receiver)
        # Events are kept from the first time that somebody asks for them.
        self.receiver.sequence("RemoteIndexUpdated")

    def round(self):
        """Scans, and waits until the receiver has it all."""
        if not self.is_sending:
            self.sender.start(self.place.client)
            self.sender.sequence("LocalIndexUpdated")
            self.is_sending = True
        self._scan()
        announced = self.sender.sequence("LocalIndexUpdated")
        scanned = self.sender.ask("GET", "db/status?folder=bench")
        deadline = time.monotonic() + LONGEST_ROUND
        while not self._has_all(announced, scanned):
            if time.monotonic() > deadline:
                raise Broken(f"syncthing is not done after {LONGEST_ROUND} seconds")
            time.sleep(POLL)
        return {}

    def mirror(self):
        """Where its copy of the source lies."""
        return self.place.data / "mirror"

    def _scan(self):
        deadline = time.monotonic() + LONGEST_ROUND
        while True:
            try:
                return self.sender.ask("POST", "db/scan?folder=bench")
            except urllib.error.HTTPError as error:
                # Just started, it refuses until the folder runs.
                if time.monotonic() > deadline:
                    raise Broken(f"syncthing does not scan: {error.read()!r}") from error
                time.sleep(POLL)

    def _has_all(self, announced, scanned):
        if self.receiver.sequence("RemoteIndexUpdated") < announced:
            return False
        status = self.receiver.ask("GET", "db/status?folder=bench")
        # Events of the very first scan may have come before anybody asked for them: then only the totals tell.
        knows = all(status[f"global{what}"] == scanned[f"local{what}"] for what in TOTALS)
        return knows and status["state"] == "idle" and status["needTotalItems"] == 0


def _asked(*command):
    """What a command prints that only asks or prepares."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
