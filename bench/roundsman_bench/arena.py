"""One run: a tree, some tools, the steps of a scenario, and what each of them cost."""
import sys
import time
from dataclasses import dataclass

from . import compare, peers
from .disks import STEP_OF_STAMPS, Disk
from .meter import Measured, measure
from .peers.place import Broken, Place, free_port
from .sides import Side
from .wire import Counter

STANDSTILL = 0.2
"""Seconds that a source stands still before it is delivered, besides its file system's step of time stamps: what was
changed a moment ago has to be read again by a client that knows nothing of the moment after, which is not measured."""


@dataclass(frozen=True)
class Run:
    """One tool in one turn of one step."""

    tree: str
    step: str
    peer: str
    measured: Measured
    flush_seconds: float
    """How long it then took until everything was on the receiver's disk: near 0 for tools that wait for that."""


class Contender:
    """A tool, with all that it needs, from start to end."""

    def __init__(self, name, source, client_disk, work, command, left_out):
        self.name = name
        self.disk = Disk(work, f"mirror-{name}", "ext4", left_out)
        state, data = client_disk.root / f"state-{name}", self.disk.root / "data"
        state.mkdir()
        data.mkdir()
        self.client, self.receiver = Side(f"{name}-client"), Side(f"{name}-receiver")
        place = Place(source, state, data, command, free_port(), self.client, self.receiver)
        self.counter = Counter(place.port, left_out)
        self.tool = peers.make(name, place)
        self.tool.start()

    def deliver(self):
        """Makes one round."""
        measured = measure(self.client, self.receiver, self.counter, self.tool.round)
        begin = time.monotonic()
        self.disk.flush()
        return measured, time.monotonic() - begin

    def check(self, source, listed, edited):
        """Raises `Broken` unless the mirror is what the source is."""
        wrong = compare.differences(source, listed, self.tool.mirror(), edited)
        if wrong:
            raise Broken(f"{self.name}: the mirror differs in {len(wrong)} paths: {'; '.join(wrong[:5])}")

    def stop(self):
        """Ends its processes and gives its disk back."""
        self.client.stop()
        self.receiver.stop()
        self.disk.drop()


class Arena:
    """The source and the contenders."""

    def __init__(self, work, options, left_out):
        self.options = options
        self.left_out = left_out
        self.work = work
        self.disk = Disk(work, "source", options.source_fs, left_out)
        self.state_disk = Disk(work, "clients", "ext4", left_out)
        self.source = self.disk.root / "source"
        self.source.mkdir()
        self.contenders = []

    def play(self, tree, steps):
        """Every step, as often as asked for; yields each tool's `Run`s as they come."""
        for name in self.options.peers:
            self.contenders.append(
                Contender(name, self.source, self.state_disk, self.work, self.options.roundsman, self.left_out))
        for step in steps:
            for turn in range(self.options.turns if step.is_repeated else 1):
                yield from self._turn(tree, step, turn)

    def close(self):
        """Ends everything and gives all room back."""
        for contender in self.contenders:
            contender.stop()
        self.state_disk.drop()
        self.disk.drop()

    def _turn(self, tree, step, turn):
        say(f"{tree.name}: {step.name}, turn {turn + 1}")
        edited = step.edit(turn)
        yield from (Run(tree.name, step.name, *run) for run in self._round(turn, edited))
        if step.undo is not None:
            step.undo(turn)
            for _ in self._round(turn, []):
                pass

    def _round(self, turn, edited):
        self._stand_still()
        listed = compare.listing(self.source)
        compare.warm(self.source, listed, edited)
        # What one tool leaves behind may help or hinder the next, so each turn begins with another one.
        first = turn % len(self.contenders)
        for contender in self.contenders[first:] + self.contenders[:first]:
            measured, flush = contender.deliver()
            say(f"  {contender.name}: {measured.wall_seconds:.3g} s")
            contender.check(self.source, listed, edited)
            yield contender.name, measured, flush

    def _stand_still(self):
        self.disk.flush()
        time.sleep(STANDSTILL + STEP_OF_STAMPS[self.options.source_fs])


def say(text):
    """Says on stderr how it goes on."""
    print(text, file=sys.stderr, flush=True)
