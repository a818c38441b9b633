"""The cost of `vfs-run sandbox`, for bench/run --sandbox: a run of /bin/true beside the one-shot form with
the same limits and beside a script that does the same by hand, and `apply` beside cp -a.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

FILES = 20_000
SIZE = 100  # bytes of a file
LIMITS = ["-m", "256m", "--pids-limit", "64", "--timeout", "60s"]

# The same without vfs-run, by hand: limits of version 1 or 2, timeout(1) and bubblewrap.
BY_HAND = """
set -e
name=vfs-run-bench-$$
if [ -d /sys/fs/cgroup/memory ]; then
    groups="/sys/fs/cgroup/memory/$name /sys/fs/cgroup/pids/$name"
    mkdir $groups
    echo 268435456 > /sys/fs/cgroup/memory/$name/memory.limit_in_bytes
    echo 64 > /sys/fs/cgroup/pids/$name/pids.max
else
    groups=/sys/fs/cgroup/$name
    mkdir $groups
    echo 268435456 > $groups/memory.max
    echo 64 > $groups/pids.max
fi
code=0
(
    for group in $groups; do echo 0 > $group/cgroup.procs; done
    exec timeout 60 bwrap --unshare-all --unshare-user --die-with-parent --new-session --cap-drop ALL \\
        --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \\
        --symlink usr/sbin /sbin --ro-bind /etc /etc --proc /proc --dev /dev --tmpfs /tmp \\
        --tmpfs "$PWD" --chdir "$PWD" --clearenv --setenv PATH /usr/bin:/bin /bin/true
) || code=$?
# The kernel lets go of a group a moment after its last process.
for group in $groups; do until rmdir $group 2> /dev/null; do :; done; done
exit $code
"""


class Sandboxes:
    def __init__(self, scratch, vfs_run, base):
        self.scratch, self.vfs_run = scratch, vfs_run
        self.work = scratch / "work"
        self.work.mkdir()
        # The program of the one-shot form is a static one: that of the host takes as long to load its
        # library as a third of a start takes.
        self.program = self.work / "true"
        shutil.copy(pathlib.Path(base, "bin/true").resolve(), self.program)
        bundle = scratch / "one-shot"
        bundle.mkdir()
        subprocess.run([vfs_run, "spec", "--one-shot", "--bundle", bundle], check=True)
        config = json.loads((bundle / "config.json").read_text())
        config["process"] |= {"terminal": False, "args": ["/bin/true"]}
        config["root"]["path"] = str(base)
        config["linux"]["resources"] = {
            "memory": {"limit": 256 << 20, "swap": 256 << 20}, "pids": {"limit": 64}}
        self.config = bundle / "config.json"
        self.config.write_text(json.dumps(config))

    def commands(self):
        """Commands to be run in `work`."""
        sandbox = [self.vfs_run, "sandbox", "--quiet", *LIMITS]
        found = {
            "one-shot": [self.vfs_run, self.config],
            "sandbox": [*sandbox, "--", self.program],
            "sandbox, the host's program": [*sandbox, "--", "/bin/true"],
            "sandbox, report": [
                *sandbox, "--report", self.scratch / "report.json", "--", self.program],
        }
        if shutil.which("bwrap"):
            found["by hand"] = [shutil.which("sh"), "-c", BY_HAND]
        return found

    # apply

    def applying(self, rounds):
        """Nanoseconds of apply and of cp -a for the same files, a pair for each round."""
        make = (
            "import os\n"
            f"for i in range({FILES}):\n"
            "    if i % 500 == 0: os.mkdir(f'd{i // 500}')\n"
            f"    open(f'd{{i // 500}}/f{{i}}', 'w').write('x' * {SIZE})\n")
        # Nothing is removed before the end: for minutes ext4 without a journal goes past each inode that
        # was freed, a hundred times what a file costs else.
        pairs, names = [], []
        for index in range(rounds):
            tree, copy = self.scratch / f"tree-{index}", self.scratch / f"copy-{index}"
            tree.mkdir()
            names.append(f"vfs-run-bench-{os.getpid()}-{index}")
            subprocess.run(
                [self.vfs_run, "sandbox", "--quiet", "--name", names[-1], "--", "python3", "-c", make],
                cwd=tree, check=True)
            upper = next(
                pathlib.Path("/var/lib/vfs-run/sandboxes", names[-1]).glob("tree-*/upper"))
            pair = {}
            ways = [("cp -a", ["cp", "-a", upper, copy]),
                    ("apply", [self.vfs_run, "apply", names[-1], "--all"])]
            # Each goes first in every second round.
            for way, command in ways[:: 1 if index % 2 else -1]:
                os.sync()
                before = time.monotonic_ns()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                pair[way] = time.monotonic_ns() - before
            found = sum(len(files) for _, _, files in os.walk(tree))
            if found != FILES:
                raise RuntimeError(f"apply has made {found} files")
            pairs.append(pair)
        for name in names:
            subprocess.run([self.vfs_run, "discard", name], check=True, stdout=subprocess.DEVNULL)
        for path in [*self.scratch.glob("tree-*"), *self.scratch.glob("copy-*")]:
            shutil.rmtree(path)
        return pairs
