"""Figures as people read them, and as programs do."""
import json
from dataclasses import asdict
from itertools import groupby
from statistics import median

HEAD = ["step", "tool", "n", "wall s", "flush s", "CPU s client + receiver", "wire up / down",
        "peak RSS MB client / receiver", "changes", "files opened", "bytes read"]
"""The columns of a tree's table."""

UNKNOWN = "-"
"""Shown where a tool does not say, or nobody could count."""


def markdown(runs):
    """The tables of all trees: medians, with the smallest and the largest in brackets."""
    parts = []
    for tree, of_tree in groupby(runs, key=lambda run: run.tree):
        rows = [_row(*key, list(group)) for key, group in _grouped(of_tree)]
        parts.append(f"### {tree}\n\n" + _lines([HEAD, ["---"] * len(HEAD), *rows]))
    return "\n".join(parts)


def as_json(runs, about):
    """Every single run, and what the run as a whole was about."""
    return json.dumps({"about": about, "runs": [asdict(run) for run in runs]}, indent=1)


def seconds(value):
    """Seconds with three digits that mean something."""
    return f"{value:.3f}" if value < 1 else f"{value:.3g}"


def size(count):
    """Bytes in the unit that people say, in powers of 1000."""
    if count is None:
        return UNKNOWN
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1000
    return f"{count:.3g} GB"


def _grouped(runs):
    """Runs by step and tool, both in the order in which they first came."""
    groups = {}
    for run in runs:
        groups.setdefault(run.step, {}).setdefault(run.peer, []).append(run)
    for step, peers in groups.items():
        for peer, found in peers.items():
            yield (step, peer), found


def _row(step, peer, runs):
    def middle(value):
        found = [value(run) for run in runs]
        return None if None in found else median(found)

    def sides(value, show, between):
        return between.join(show(value(side)) for side in ("client", "receiver"))

    measured = [run.measured for run in runs]
    walls = [one.wall_seconds for one in measured]
    spread = f" [{seconds(min(walls))}-{seconds(max(walls))}]" if len(walls) > 1 else ""
    cpu = sides(lambda side: median(getattr(one, side).cpu_seconds for one in measured), seconds, " + ")
    rss = sides(lambda side: max(getattr(one, side).peak_rss for one in measured) / 1e6, "{:.0f}".format, " / ")
    wire = f"{size(middle(lambda run: run.measured.wire.up))} / {size(middle(lambda run: run.measured.wire.down))}"
    facts = [middle(lambda run: run.measured.facts.get(name)) for name in ("changes", "files_opened", "bytes_read")]
    changes, opened = [UNKNOWN if fact is None else f"{fact:.0f}" for fact in facts[:2]]
    return [step, peer, str(len(runs)), seconds(median(walls)) + spread, seconds(middle(lambda run: run.flush_seconds)),
            cpu, wire, rss, changes, opened, size(facts[2])]


def _lines(rows):
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
