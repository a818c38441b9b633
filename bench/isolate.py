"""isolate's command line beside isolate, for bench/run --isolate: --init, --run of /bin/true and --cleanup.

ISOLATE names isolate's binary, built from its source with a configuration of its own. With --cg where the whole
of version 2 of cgroups is mounted, which isolate needs for that.
"""

import os
import pathlib

STEPS = {"init": ["--init"], "run": ["-s", "--run", "--", "/bin/true"], "cleanup": ["--cleanup"]}


def programs(vfs_run):
    """The commands of each program, by its name, and what is told of them."""
    isolate = os.environ.get("ISOLATE")
    if not isolate:
        return None
    unified = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
    group = ["--cg"] if unified else []
    found = {}
    for name, command in (("isolate", [isolate]), ("vfs-run", [vfs_run, "isolate"])):
        for step, options in STEPS.items():
            found[f"{name} {step}"] = [*command, *group, "-b", "987", *options]
    return found


def sums(runs, name):
    """The nanoseconds of all three commands, for each round."""
    return [sum(run["ns"] for run in round_) for round_ in zip(*(runs[f"{name} {s}"] for s in STEPS))]
