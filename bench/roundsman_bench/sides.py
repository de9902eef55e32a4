"""The two sides of a run, client and receiver: which processes belong to one, and what these cost."""
import os
import subprocess
import tempfile
from pathlib import Path

CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
"""Where the unified hierarchy of control groups may be mounted."""

ENTER = 'echo $$ > "$0" && exec "$@"'
"""A shell that joins the group whose `cgroup.procs` it is given and becomes the command."""

TICKS = os.sysconf("SC_CLK_TCK")
"""What /proc counts processor time in, per second."""


class Side:
    """Everything that one side of a tool started, also what that started itself."""

    def __init__(self, name):
        self.group = _new_group(f"roundsman-bench-{name}-")
        self.started = []
        self.finished_seconds = 0.0

    def start(self, command, **options):
        """Starts a process of this side."""
        wrapped = [os.fspath(word) for word in command]
        if self.group is not None:
            wrapped = ["sh", "-c", ENTER, str(self.group / "cgroup.procs"), *wrapped]
        process = subprocess.Popen(wrapped, **options)
        self.started.append(process)
        return process

    def finish(self, process):
        """Waits for its end and gives its exit code."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.started.remove(process)
        self.finished_seconds += usage.ru_utime + usage.ru_stime
        return process.returncode

    def stop(self):
        """Ends what it started and still runs."""
        for process in list(self.started):
            process.terminate()
            self.finish(process)
        if self.group is not None:
            self.group.rmdir()

    def processes(self):
        """The ids of its processes."""
        if self.group is not None:
            return [int(line) for line in (self.group / "cgroup.procs").read_text().split()]
        return _with_descendants({process.pid for process in self.started})

    def cpu_seconds(self):
        """Processor time so far. With a control group exact, else in steps of a tick and without grandchildren that
        nobody waited for."""
        if self.group is not None:
            return _cpu_of_group(self.group)
        return self.finished_seconds + sum(map(_cpu_of_process, self.processes()))


def _new_group(prefix):
    """A new control group that counts processor time; nothing where none can be made."""
    for mount in CGROUPS:
        try:
            if (mount / "cgroup.controllers").exists():
                group = Path(tempfile.mkdtemp(prefix=prefix, dir=mount))
                _cpu_of_group(group)
                return group
        except OSError:
            continue
    return None


def _cpu_of_group(group):
    lines = (group / "cpu.stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6


def _stat_of_process(process):
    """The fields of /proc/PID/stat behind the command's name, which may itself hold blanks and brackets."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None


def _cpu_of_process(process):
    fields = _stat_of_process(process)
    return 0.0 if fields is None else sum(int(ticks) for ticks in fields[11:15]) / TICKS


def _with_descendants(roots):
    parents = {}
    for entry in Path("/proc").iterdir():
        fields = _stat_of_process(entry.name) if entry.name.isdigit() else None
        if fields is not None:
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], list(roots)
    while waiting:
        found.append(waiting.pop())
        waiting.extend(parents.get(found[-1], []))
    return found
