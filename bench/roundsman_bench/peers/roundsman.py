"""The command itself: `roundsman receive`, and `roundsman scan` a round."""
import json
import os
import subprocess

from .place import Broken, wait_for_port

CHANGES = ("created", "modified", "metadata", "moved", "deleted")
"""The fields of a summary that together are the changes of its plan."""


class Roundsman:
    """One receiver, one client a round."""

    def __init__(self, place, *options):
        self.place = place
        self.options = options
        self.token = place.state / "token"

    @staticmethod
    def missing(command):
        """Why it cannot be measured here; nothing if it can."""
        if os.access(command, os.X_OK):
            return None
        return f"there is no {command}: run `cargo build --release`, or say where it is with --roundsman"

    def start(self):
        """Makes the client's account, starts the receiver and waits for it."""
        add = [self.place.command, "client", "add", "bench", "--data", self.place.data]
        token = subprocess.run(add, check=True, capture_output=True).stdout
        self.token.touch(mode=0o600)
        self.token.write_bytes(token)
        receive = ["receive", "--data", self.place.data, "--listen", f"127.0.0.1:{self.place.port}"]
        self.place.receiver.start([self.place.command, *receive], stdout=self._log(), stderr=subprocess.STDOUT)
        wait_for_port(self.place.port)

    def round(self):
        """Delivers once, and says what the summary says."""
        receiver = ["--to", f"http://127.0.0.1:{self.place.port}", "--token-file", self.token]
        here = ["--state-dir", self.place.state, "--mirror", "mirror", "--json", *self.options]
        with open(self.place.state / "round.json", "w+b") as printed:
            command = [self.place.command, "scan", self.place.source, *receiver, *here]
            code = self.place.client.finish(self.place.client.start(command, stdout=printed))
            if code != 0:
                raise Broken(f"roundsman scan: exit code {code}; what it printed is {self._printed(printed)}")
            return _facts(printed)

    def mirror(self):
        """Where its copy of the source lies."""
        return self.place.data / "bench" / "mirror"

    def _log(self):
        return open(self.place.state / "receiver.log", "wb")

    @staticmethod
    def _printed(file):
        file.seek(0)
        return file.read()[-2000:].decode(errors="replace")


def _facts(printed):
    printed.seek(0)
    *_, last = printed
    summary = json.loads(last)
    changes = sum(summary[field] for field in CHANGES)
    return {"changes": changes, **{field: summary.get(field) for field in ("files_opened", "bytes_read")}}
