"""A slow line in place of loopback: tc(8) lets each direction of a receiver's port pass at a rate of its own."""
import shutil
import subprocess

from . import isolation
from .peers.place import Broken

MTU = 1500
"""Bytes of a packet, as on a real line; loopback's 64 KiB would not fit into the bucket below."""

BUCKET = "burst 32kbit latency 400ms"
"""What may pass at once, and how long a packet may wait before it is lost."""

DIRECTIONS = {"1": "dport", "2": "sport"}
"""The classes: to the receiver, and from it. A line carries both at once."""


class Link:
    """A line of this rate, as tc(8) writes rates, such as `50mbit`."""

    def __init__(self, rate):
        if not isolation.is_private() or shutil.which("tc") is None:
            raise Broken("--link needs a private network and tc(8): run as root, and install iproute2")
        self._run("ip", f"link set lo mtu {MTU}")
        self._run("tc", "qdisc add dev lo root handle 1: htb default 0")
        for number in DIRECTIONS:
            # The class only sorts; the bucket in it is what limits.
            self._run("tc", f"class add dev lo parent 1: classid 1:{number} htb rate 10gbit quantum {MTU + 14}")
            self._run("tc", f"qdisc add dev lo parent 1:{number} handle 1{number}: tbf rate {rate} {BUCKET}")

    def carry(self, port):
        """Sends everything to and from this port over the line from now on."""
        self._run("nft", "add table inet roundsman_link")
        self._run("nft", "add chain inet roundsman_link out { type filter hook output priority 0 ; }")
        for number, way in DIRECTIONS.items():
            self._run("nft", f"add rule inet roundsman_link out tcp {way} {port} meta priority set 1:{number}")

    @staticmethod
    def _run(program, words):
        done = subprocess.run([program, *words.split()], capture_output=True, text=True)
        if done.returncode != 0:
            raise Broken(f"--link: {program} {words}: {done.stderr.strip()}")
