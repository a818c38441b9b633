"""The cost of a control group for a start, for bench/run --groups: on this host with version 1 and with
version 2, beside crun, and in the virtual machine of Tests/vm, whose kernel has every controller on
version 2, as the ratio to the same start without limits.
"""

import collections
import copy
import json
import os
import pathlib
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent
MOST = 0.25  # ms, on version 2
GUEST_ROUNDS = 40
# A limit that every cgroup of version 2 has, without a controller.
ANY = {"unified": {"cgroup.max.descendants": "10"}}
LIMITS = {"memory": {"limit": 268435456}, "pids": {"limit": 100}}

# The words before a command that run it in a mount namespace with one version and its own cache.
V1 = 'awk \'$3 == "cgroup2" { print $2 }\' /proc/mounts | xargs -r umount'
V2 = "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"
# The controllers of LIMITS, mounted if the host does not show them.
V1_ANEW = (
    "mount -t tmpfs none /sys/fs/cgroup; for name in memory pids; do mkdir /sys/fs/cgroup/$name;"
    " mount -t cgroup -o $name none /sys/fs/cgroup/$name; done")
CACHE = "mkdir -p /var/cache/vfs-run; mount -t tmpfs -o mode=755 none /var/cache/vfs-run"


def namespace(prepare):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            f'{{ {prepare}; {CACHE}; }} 2> /dev/null; exec "$@"', "sh"]


def is_version1(controller):
    """Whether the kernel has the controller in a hierarchy of version 1."""
    lines = map(str.split, open("/proc/cgroups"))
    return any(line[0] == controller and line[1] != "0" for line in lines)


def is_mounted(kind):
    return any(line.split()[2] == kind for line in open("/proc/mounts"))


class Groups:
    def __init__(self, scratch, vfs_run, spec):
        self.scratch, self.vfs_run = scratch, vfs_run
        self.plain = spec(scratch / "plain")
        self.plain["vfs"] = {"overlay": False}
        del self.plain["linux"]["seccomp"]
        self.write("plain", self.plain, {})
        self.write("limited", self.plain, LIMITS)
        self.write("any", self.plain, ANY)

    def write(self, name, plain, resources):
        directory = self.scratch / name
        directory.mkdir(exist_ok=True)
        config = copy.deepcopy(plain)
        if resources:
            config["linux"]["resources"] = resources
        (directory / "config.json").write_text(json.dumps(config, indent=4))

    def commands(self, limited):
        """The same start without a control group and with one."""
        found = {
            "vfs-run": [self.vfs_run, self.scratch / "plain/config.json"],
            "vfs-run, limits": [self.vfs_run, self.scratch / f"{limited}/config.json"],
        }
        if crun := shutil.which("crun"):
            for name, manager, bundle in [
                ("crun", "disabled", "plain"), ("crun, limits", "cgroupfs", limited)]:
                found[name] = [
                    crun, "--root", self.scratch / "crun", f"--cgroup-manager={manager}", "run",
                    "--bundle", self.scratch / bundle, "bench"]
        return found

    def guest(self, measure, floor):
        """Makes the guest's files, runs the guest and returns the lines of its measurements."""
        files = self.scratch / "files"
        (files / "bench").mkdir(parents=True)
        for program in (measure, floor):
            shutil.copy2(program, files / "bench")
        for name in ("plain", "limited", "any"):
            config = json.loads((self.scratch / name / "config.json").read_text())
            config["root"]["path"] = "/work/rootfs/base"
            (files / "bench" / name).mkdir()
            (files / "bench" / name / "config.json").write_text(json.dumps(config))
        script = ["#!/bin/sh", "export PATH=/bin"]
        words = [f"/bench/measure {GUEST_ROUNDS} 3"]
        words.append(":: 'vfs-run' /bin/vfs-run /bench/plain/config.json")
        words.append(":: 'vfs-run, a cgroup' /bin/vfs-run /bench/any/config.json")
        words.append(":: 'vfs-run, limits' /bin/vfs-run /bench/limited/config.json")
        bare = "/bench/plain/config.json /work/rootfs/base -"
        words.append(f":: floor /bench/floor {bare}")
        for name, resources in [("a cgroup", ANY), ("limits", LIMITS)]:
            options = " ".join(floor_options(resources))
            words.append(f":: 'floor, {name}' /bench/floor {options} {bare}")
        if crun := shutil.which("crun"):
            copy_program(crun, files)
            words.append(
                f":: 'crun' {crun} --cgroup-manager=disabled run --bundle /bench/plain bench")
            words.append(
                f":: 'crun, limits' {crun} --cgroup-manager=cgroupfs run --bundle /bench/limited"
                " bench")
        script.append(" ".join(words) + " | sed 's/^/figure: /'")
        (files / "guest").write_text("\n".join([*script, "echo done", ""]))
        (files / "guest").chmod(0o755)
        done = subprocess.run(
            [TOP / "Tests/vm/run", "figures"], check=True, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"VM_FILES": str(files), "VFS_RUN": str(self.vfs_run)})
        lines = [line[8:] for line in done.stdout.splitlines() if line.startswith("figure: ")]
        return lines


def floor_options(resources):
    """The limits as options of the floor: files and values."""
    files = dict(resources.get("unified", {}))
    for controller in resources.keys() - {"unified"}:
        files[controller + ".max"] = str(resources[controller]["limit"])
    return [word for file in sorted(files) for word in ("--limit", file, files[file])]


def copy_program(program, root):
    """Copies a program with its libraries."""
    listed = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE, text=True)
    names = [word for word in listed.stdout.split() if word.startswith("/")]
    for name in [program, *names]:
        (root / name[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, root / name[1:])


def added_calls(counted):
    """The system calls that limits add, by name."""
    plain, limited = counted
    more = collections.Counter(limited)
    more.subtract(plain)
    return {name: count for name, count in more.items() if count}
