"""Contents of files: what does not compress, and lines that compress as real logs and real code do."""
import hashlib
from array import array
from itertools import count

KIB, MIB = 1 << 10, 1 << 20

LINES = 8192
"""Lines that are made at once."""

NAMES = 1 << 16
"""What two random bytes choose from."""

BEGIN, STEP = 1_772_323_200_000_000, 611
"""The time of a log's first line, and from one line to the next, in microseconds."""

VERBS = ["accepted", "closed", "refused", "retried", "opened", "flushed", "queued", "expired", "renewed", "parsed"]
NOUNS = ["request", "session", "cursor", "upload", "segment", "lease", "shard", "token", "replica", "packet"]


def noise(rng, size):
    """So many bytes that do not compress."""
    # Three times as fast as bytes of the generator itself.
    return hashlib.shake_128(rng.randbytes(16)).digest(size)


def fill_with_noise(rng, path, size):
    """Writes a file of so many bytes that do not compress."""
    with open(path, "wb") as file:
        for begin in range(0, size, 16 * MIB):
            file.write(noise(rng, min(16 * MIB, size - begin)))


def fill_with_log(rng, path, size):
    """Writes a file of so many bytes of log lines, the last one cut."""
    with open(path, "wb") as file:
        for block in log(rng):
            file.write(block[:size - file.tell()])
            if file.tell() == size:
                return


def log(rng):
    """Log lines without end, in blocks: times that go on, messages, the ids of requests and how long they took."""
    messages = [f"host{rng.randrange(40):02} app{rng.randrange(7)}[{rng.randrange(300, 1300)}]: {rng.choice(VERBS)} "
                f"{rng.choice(NOUNS)} {rng.choice(NOUNS)}-{rng.randrange(400)} from 10.{rng.randrange(4)}."
                f"{rng.randrange(256)}.{rng.randrange(256)}".encode() for _ in range(NAMES)]
    line = b"%d %b id=%016x took %d us\n".__mod__
    for first in count(BEGIN, LINES * STEP):
        times = range(first, first + LINES * STEP, STEP)
        yield b"".join(map(line, zip(times, _chosen(rng, messages), _numbers(rng, "Q"), _numbers(rng, "H"))))


def code(rng):
    """Lines of invented source code without end, in blocks."""
    names = [f"{rng.choice(VERBS)}_{rng.choice(NOUNS)}_{rng.randrange(60)}".encode() for _ in range(NAMES // 16)] * 16
    line = b"\tif (%b(%b->%b, 0x%x))\n\t\treturn %b(&%b);\n".__mod__
    while True:
        chosen = [_chosen(rng, names) for _ in range(5)]
        yield b"".join(map(line, zip(*chosen[:3], _numbers(rng, "H"), *chosen[3:])))


class Pieces:
    """A stream of blocks, handed out in pieces of any size."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.block, self.at = b"", 0

    def take(self, size):
        """The next so many bytes, at most a block's."""
        if len(self.block) - self.at < size:
            self.block, self.at = self.block[self.at:] + next(self.blocks), 0
        self.at += size
        return self.block[self.at - size:self.at]


def _chosen(rng, names):
    return map(names.__getitem__, _numbers(rng, "H"))


def _numbers(rng, kind):
    """A random number a line: `H` of 16, `Q` of 64 bits."""
    return array(kind, rng.randbytes(LINES * array(kind).itemsize))
