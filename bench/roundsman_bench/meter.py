"""What one piece of work costs: seconds, processor time, memory and bytes on the wire."""
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .wire import Bytes

FIRST_SAMPLES = 0.005
"""Seconds between two looks at the memory in the first second: short work must be seen, too."""

LATER_SAMPLES = 0.03
"""The same later on, where looking often would only take processor time from the work."""


@dataclass(frozen=True)
class Cost:
    """What one side spent."""

    cpu_seconds: float
    """User and system time of all its processes."""
    peak_rss: int
    """Bytes: each process's largest resident set, added up."""


@dataclass(frozen=True)
class Measured:
    """One piece of work."""

    wall_seconds: float
    client: Cost
    receiver: Cost
    wire: Bytes
    facts: dict
    """What the tool itself says of its work."""


class Peaks:
    """Watches how large the processes of both sides become, while it is open."""

    def __init__(self, *sides):
        self.sides = sides
        self.peaks = [{} for _ in sides]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        for side in self.sides:
            for process in side.processes():
                _forget_peak(process)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self._look()

    def bytes(self):
        """The peak of each side."""
        return [sum(peaks.values()) for peaks in self.peaks]

    def _watch(self):
        begin = time.monotonic()
        while not self.over.wait(FIRST_SAMPLES if time.monotonic() - begin < 1 else LATER_SAMPLES):
            self._look()

    def _look(self):
        for side, peaks in zip(self.sides, self.peaks):
            for process in side.processes():
                peaks[process] = max(peaks.get(process, 0), _peak_rss(process))


def measure(client, receiver, counter, work):
    """Does the work and says what it cost both sides. `work()` returns what the tool says of it."""
    wire = counter.read()
    with Peaks(client, receiver) as peaks:
        cpu = client.cpu_seconds(), receiver.cpu_seconds()
        begin = time.monotonic()
        facts = work()
        wall = time.monotonic() - begin
        spent = client.cpu_seconds() - cpu[0], receiver.cpu_seconds() - cpu[1]
    sides = [Cost(seconds, peak) for seconds, peak in zip(spent, peaks.bytes())]
    return Measured(wall, *sides, counter.read() - wire, facts)


def _peak_rss(process):
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _forget_peak(process):
    try:
        Path(f"/proc/{process}/clear_refs").write_text("5")
    except OSError:
        # Another kernel, or not allowed: the peak is then that of the process's whole life.
        return
