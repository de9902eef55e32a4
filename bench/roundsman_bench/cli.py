"""What can be asked for, and the run that answers."""
import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from . import disks, isolation, peers, scenarios, table, targets, trees
from .arena import Arena, say
from .peers.place import Broken

COMMAND = Path(__file__).resolve().parents[2] / "target" / "release" / "roundsman"
"""The command that is measured unless another one is named."""

TREES = {"small": ["photos", "sources"], "full": ["photos", "linux"]}
"""The trees of each size."""


def main(words):
    """Runs the benchmark; 0 if every mirror was right after every step, 1 if not, 2 for a wrong question."""
    options = _arguments(words)
    left_out = []
    isolation.enter(left_out)
    runs = []
    try:
        options.peers = _present(options.peers, options.roundsman, left_out)
        for tree in options.tree:
            runs += _play(tree, options, left_out)
    except Broken as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    found = targets.verdicts(scenarios.KINDS[options.scenario].TARGETS, runs, _judged(options))
    _show(runs, found, options, list(dict.fromkeys(left_out)))
    return 1 if options.enforce and targets.is_missed(found) else 0


def _arguments(words):
    parser = argparse.ArgumentParser(prog="bench/run", description="Measures roundsman beside its peers.")
    parser.add_argument("scenario", choices=scenarios.KINDS)
    parser.add_argument("--size", choices=TREES, default="small", help="small: seconds; full: gigabytes, and peers")
    parser.add_argument("--tree", action="append", choices=["photos", "sources", "linux"], help="only this tree")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(peers.USUAL),
                        help=f"of {', '.join(peers.KINDS)}")
    parser.add_argument("--turns", type=int, help="how often each step is done (small: 1, full: 3)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another tree")
    parser.add_argument("--linux-source", metavar="PATH", help="Debian's linux-source-*.deb, or its .tar.xz")
    parser.add_argument("--source-fs", choices=disks.KINDS, default="ext4", help="what the source lies on")
    parser.add_argument("--roundsman", type=Path, default=COMMAND, metavar="PATH", help="the command to measure")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where trees are made (full: 40 GB); default $TMPDIR")
    parser.add_argument("--enforce", action="store_true", help="exit 1 if a target of bytes or counts is missed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single run there")
    options = parser.parse_args(words)
    _complete(parser, options)
    return options


def _complete(parser, options):
    """What follows from the other arguments, and what contradicts them."""
    options.roundsman = options.roundsman.resolve()
    options.turns = options.turns or (3 if options.size == "full" else 1)
    options.tree = options.tree or TREES[options.size]
    unknown = [name for name in options.peers if name not in peers.KINDS]
    if unknown:
        parser.error(f"no such tool: {', '.join(unknown)}; there are {', '.join(peers.KINDS)}")
    if "linux" in options.tree and options.linux_source is None:
        parser.error("the tree `linux` needs --linux-source PATH: `apt-get download linux-source-6.1` fetches one; "
                     "or leave it out with --tree photos")


def _present(names, command, left_out):
    """Those of the tools that are installed; peers that are not are named. Without roundsman nothing is measured."""
    missing = {name: peers.missing(name, command) for name in names}
    ours = [why for name, why in missing.items() if why and name.startswith("roundsman")]
    if ours or all(missing.values()):
        raise Broken(next(iter(ours or missing.values())))
    left_out.extend(f"{name}: {why}" for name, why in missing.items() if why)
    return [name for name, why in missing.items() if not why]


def _judged(options):
    """The kinds of targets that mean something in this run: seconds need big trees, counts need inodes that hold."""
    seconds = (targets.Wall,) if options.size == "full" else ()
    counts = (targets.Count,) if options.source_fs == "ext4" else ()
    return (targets.Bytes, *seconds, *counts)


def _play(name, options, left_out):
    """All steps on one tree."""
    with tempfile.TemporaryDirectory(prefix="roundsman-bench-", dir=options.work) as work:
        arena = Arena(work, options, left_out)
        try:
            say(f"{name}: making the tree")
            tree = _make(name, arena.source, options)
            return list(arena.play(tree, scenarios.KINDS[options.scenario].steps(tree, options.seed)))
        finally:
            arena.close()


def _make(name, root, options):
    if name == "linux":
        return trees.linux(root, options.linux_source)
    return {"photos": trees.photos, "sources": trees.sources}[name](root, options.seed, options.size)


def _show(runs, found, options, left_out):
    print(f"## {options.scenario}, {options.size}, source on {options.source_fs}\n")
    print(table.markdown(runs))
    print(targets.markdown(found))
    for what in left_out:
        print(f"Left out: {what}.")
    if options.json is not None:
        about = {"scenario": options.scenario, "size": options.size, "seed": options.seed, "left_out": left_out,
                 "source_fs": options.source_fs, "kernel": platform.release(), "processors": os.cpu_count()}
        options.json.write_text(table.as_json(runs, about))
