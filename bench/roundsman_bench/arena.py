"""One run: a tree, some tools, the steps of a scenario, and what each of them cost."""
import shutil
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
    """A tool, with all that it needs, from start to end; its mirror is empty, on a fresh file system."""

    def __init__(self, name, arena):
        self.name = name
        self.disk = Disk(arena.work, f"mirror-{name}", "ext4", arena.left_out)
        self.state, data = arena.state_disk.root / f"state-{name}", self.disk.root / "data"
        self.state.mkdir()
        data.mkdir()
        self.client, self.receiver = Side(f"{name}-client"), Side(f"{name}-receiver")
        place = Place(arena.source, self.state, data, arena.options.roundsman, free_port(), self.client, self.receiver)
        self.counter = Counter(place.port, arena.left_out)
        if arena.link is not None:
            arena.link.carry(place.port)
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
        self.counter.drop()
        self.disk.drop()
        shutil.rmtree(self.state)


class Arena:
    """The source and the contenders."""

    def __init__(self, work, options, link, left_out):
        self.options = options
        self.link = link
        self.left_out = left_out
        self.work = work
        self.disk = Disk(work, "source", options.source_fs, left_out)
        self.state_disk = Disk(work, "clients", "ext4", left_out)
        self.source = self.disk.root / "source"
        self.source.mkdir()
        self.contenders = []

    def play(self, tree, names, steps):
        """Every step, as often as asked for, on mirrors that stay; yields each tool's `Run`s as they come."""
        self._prepare(names)
        for step in steps:
            for turn in range(self.options.turns if step.is_repeated else 1):
                yield from self._turn(tree, step, turn, self._in_turn)

    def play_afresh(self, tree, names, steps):
        """All steps, as often as asked for, each time from empty mirrors; yields each tool's `Run`s as they come."""
        for turn in range(self.options.turns):
            if len(steps) == 1:
                # Nothing is done to these mirrors: one at a time takes less room.
                yield from self._turn(tree, steps[0], turn, lambda turn: self._alone(_rotated(names, turn)))
                continue
            self._prepare(names)
            for step in steps:
                yield from self._turn(tree, step, turn, self._in_turn)

    def close(self):
        """Ends everything and gives all room back."""
        self._prepare([])
        self.state_disk.drop()
        self.disk.drop()

    def _prepare(self, names):
        """Ends the contenders there are, and has these instead."""
        while self.contenders:
            self.contenders.pop().stop()
        for name in names:
            self.contenders.append(Contender(name, self))

    def _in_turn(self, turn):
        return _rotated(self.contenders, turn)

    def _alone(self, names):
        for name in names:
            self._prepare([name])
            yield self.contenders[0]
        self._prepare([])

    def _turn(self, tree, step, turn, contenders):
        say(f"{tree.name}: {step.name}, turn {turn + 1}")
        edited = step.edit(turn)
        yield from (Run(self._label(tree), step.name, *run) for run in self._round(contenders(turn), edited))
        if step.undo is not None:
            step.undo(turn)
            for _ in self._round(contenders(turn), []):
                pass

    def _label(self, tree):
        """The tree's name in the tables: figures over a line are not those of loopback."""
        return tree.name if self.link is None else f"{tree.name} at {self.options.link}"

    def _round(self, contenders, edited):
        self._stand_still()
        listed = compare.listing(self.source)
        compare.warm(self.source, listed, edited)
        for contender in contenders:
            measured, flush = contender.deliver()
            say(f"  {contender.name}: {measured.wall_seconds:.3g} s")
            contender.check(self.source, listed, edited)
            yield contender.name, measured, flush

    def _stand_still(self):
        self.disk.flush()
        time.sleep(STANDSTILL + STEP_OF_STAMPS[self.options.source_fs])


def _rotated(everyone, turn):
    """What one tool leaves behind may help or hinder the next, so each turn begins with another one."""
    first = turn % len(everyone)
    return [*everyone[first:], *everyone[:first]]


def say(text):
    """Says on stderr how it goes on."""
    print(text, file=sys.stderr, flush=True)
