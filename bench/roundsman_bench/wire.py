"""Bytes on the wire, counted by the kernel for one TCP port and each direction."""
import json
import shutil
import subprocess
from dataclasses import dataclass

from . import isolation

TABLE = "roundsman_bench"
"""The table of nftables that holds the counters."""


@dataclass(frozen=True)
class Bytes:
    """Bytes of IP packets, headers and acknowledgements included; `None` where nobody counted."""

    up: int | None
    """From the client to the receiver."""
    down: int | None
    """From the receiver to the client."""

    def __sub__(self, before):
        if self.up is None:
            return self
        return Bytes(self.up - before.up, self.down - before.down)


class Counter:
    """Counts one receiver's port from now on."""

    def __init__(self, port, left_out):
        self.port = port
        self.counts = isolation.is_private() and shutil.which("nft") is not None
        if self.counts:
            self._install()
        elif isolation.is_private():
            left_out.append("bytes on the wire: there is no nft(8)")

    def read(self):
        """The bytes so far."""
        if not self.counts:
            return Bytes(None, None)
        found = {name: self._value(name) for name in (f"up{self.port}", f"down{self.port}")}
        return Bytes(*found.values())

    def _install(self):
        # Loopback shows each packet twice, going out and coming in: only what comes in is counted.
        rules = f"""
            table inet {TABLE} {{
                counter up{self.port} {{ }}
                counter down{self.port} {{ }}
                chain seen{self.port} {{
                    type filter hook input priority 0;
                    tcp dport {self.port} counter name up{self.port}
                    tcp sport {self.port} counter name down{self.port}
                }}
            }}"""
        subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    def _value(self, name):
        command = ["nft", "--json", "list", "counter", "inet", TABLE, name]
        listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return next(item["counter"]["bytes"] for item in listed["nftables"] if "counter" in item)
