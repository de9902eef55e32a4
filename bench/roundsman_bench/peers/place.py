"""Where a tool works, and what is the same for every tool."""
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from ..sides import Side

START_SECONDS = 30
"""How long a service may take until it listens."""


class Broken(Exception):
    """A tool did not do what it was asked for: its figures would mean nothing."""


@dataclass(frozen=True)
class Place:
    """What one tool is given."""

    source: Path
    """The tree to mirror; every tool reads the same one."""
    state: Path
    """An empty directory for what the client remembers."""
    data: Path
    """An empty directory on a file system of its own, for the receiver."""
    command: Path
    """The command `roundsman` that is measured."""
    port: int
    """A free TCP port for the receiver: what is counted as the wire."""
    client: Side
    receiver: Side


def free_port():
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    """Comes back when somebody listens there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Broken(f"nobody listens on port {port} after {START_SECONDS} seconds")
