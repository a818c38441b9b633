"""The life of a container by separate commands, for bench/run: create, start, exec, state, kill and
delete; runs in a row and at once; the memory that a created container holds; listing many.

Every runtime gets the same bundle, and a root of its own for its states on a tmpfs, as /run is. None
makes control groups where it can be told not to.
"""

import copy
import json
import pathlib
import shutil
import statistics
import subprocess
import time

STEPS = ["create", "start", "exec", "state", "kill", "delete"]
# The commands of an engine. exec and state are measured in between.
CYCLE = ["create", "start", "kill", "delete"]
IN_A_ROW, AT_ONCE = 100, 50
CONTAINERS = 10_000


class Lifecycle:
    def __init__(self, bench, vfs_run, tools):
        self.scratch = bench.scratch
        self.tools = tools
        states = self.scratch / "states"
        states.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", states], check=True)
        self.states = states
        self.bundle = self.write("true", bench.plain, ["/bin/true"])
        self.sleeper = self.write("sleep", bench.plain, ["/bin/sleep", "1000"])
        self.runtimes = {"vfs-run": self.runtime("vfs-run", vfs_run, "--cgroup-manager=disabled")}
        if crun := shutil.which("crun"):
            self.runtimes["crun"] = self.runtime("crun", crun, "--cgroup-manager=disabled")
        if runc := shutil.which("runc"):
            self.runtimes["runc"] = self.runtime("runc", runc)

    def write(self, name, config, arguments):
        directory = self.scratch / f"bundle-{name}"
        directory.mkdir()
        config = copy.deepcopy(config)
        config["process"]["args"] = arguments
        (directory / "config.json").write_text(json.dumps(config, indent=4))
        return directory

    def runtime(self, name, binary, *options):
        return [str(binary), "--root", str(self.states / name), *options]

    def close(self):
        for name, runtime in self.runtimes.items():
            self.call(*runtime, "delete", "--force", "bench", check=False)
            # One of the copied containers is real and has a control group at runc's place.
            self.call(*self.with_many(name), "delete", "--force", "c00000", check=False)
        subprocess.run(["umount", "-l", self.states], check=True)

    def call(self, *command, check=True):
        """The streams of a command. A created container keeps them, so they are never a pipe."""
        return subprocess.run(
            command, check=check, timeout=30, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=None if check else subprocess.DEVNULL)

    # The commands

    def cycle(self):
        """The commands of one container after the other, the runtimes in turn."""
        commands = {}
        for name, runtime in self.runtimes.items():
            pid_file = self.scratch / f"{name}.pid"
            arguments = {
                "create": ["--bundle", self.sleeper, "--pid-file", pid_file, "bench"],
                "start": ["bench"], "exec": ["bench", "/bin/true"], "state": ["bench"],
                "kill": ["bench", "KILL"], "delete": ["bench"],
            }
            for step in STEPS:
                if step == "delete":
                    commands[f"@{name} end"] = ["@end", pid_file]
                commands[f"{name} {step}"] = [*runtime, step, *arguments[step]]
        return commands

    def runs(self):
        commands = {}
        for name, runtime in self.runtimes.items():
            run = [*runtime, "run", "--bundle", self.bundle, "bench%"]
            commands[f"{name}, {IN_A_ROW} in a row"] = [f"x{IN_A_ROW}", *run]
            commands[f"{name}, {AT_ONCE} at once"] = [f"={AT_ONCE}", *run]
        return commands

    # The order of functions

    def steps(self, places, *starts):
        """Runs the one-shot starts and every command with breakpoints at the addresses in that file;
        returns the logs of the executed ones."""
        runtime, logs = self.runtimes["vfs-run"], []

        def step(*command):
            logs.append(self.scratch / f"steps-{len(logs)}")
            return [self.tools / "step", logs[-1], places, runtime[0], *command]

        def call(*command):
            subprocess.run(
                step(*command), check=True, timeout=600, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL)

        for start in starts:
            call(*start)
        call(*runtime, "run", "--bundle", self.bundle, "bench")
        # The init process is followed through the start, until it executes the program.
        creation = subprocess.Popen(
            step(*runtime, "create", "--bundle", self.sleeper, "bench"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self.wait_for("created", creation)
            call(*runtime, "state", "bench")
            call(*runtime, "start", "bench")
            if creation.wait(60) != 0:
                raise RuntimeError("create has failed")
        finally:
            creation.kill()
        call(*runtime, "exec", "bench", "/bin/true")
        call(*runtime, "list")
        call(*runtime, "kill", "bench", "KILL")
        self.wait_for("stopped")
        call(*runtime, "delete", "bench")
        return logs

    def wait_for(self, status, process=None):
        runtime, deadline = self.runtimes["vfs-run"], time.monotonic() + 600
        while time.monotonic() < deadline:
            found = subprocess.run(
                [*runtime, "state", "bench"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                timeout=30)
            if found.returncode == 0 and json.loads(found.stdout)["status"] == status:
                return
            if process is not None and process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"the container does not become {status}")

    # Memory

    def memory(self, rounds=7):
        """The memory of the init process of a created container in KiB: shared, private, anonymous."""
        held = {}
        for name, runtime in self.runtimes.items():
            found = [self.memory_of_one(name, runtime) for _ in range(rounds)]
            held[name] = {key: statistics.median(one[key] for one in found) for key in found[0]}
        return held

    def memory_of_one(self, name, runtime):
        pid_file = self.scratch / f"{name}.pid"
        self.call(
            *runtime, "create", "--bundle", self.sleeper, "--pid-file", pid_file, "bench")
        try:
            return self.waiting_memory(int(pid_file.read_text()))
        finally:
            self.call(*runtime, "delete", "--force", "bench")

    @staticmethod
    def waiting_memory(pid):
        """Waits until the init process waits for its start."""
        found, deadline = None, time.monotonic() + 10
        while time.monotonic() < deadline:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            sizes = {key: int(rest.split()[0]) for key, rest in
                     (line.split(":", 1) for line in lines)}
            now = {"pss": sizes["Pss"], "own": sizes["Private_Clean"] + sizes["Private_Dirty"],
                   "anonymous": sizes["Anonymous"]}
            if now == found:
                return now
            found = now
            time.sleep(0.02)
        raise RuntimeError(f"the memory of process {pid} does not settle")

    # The smallest limit

    def smallest_limits(self):
        """The smallest memory limit of a start in KiB; None without a memory cgroup."""
        group = self.memory_group()
        if group is None:
            return None
        limits = {}
        for name, runtime in self.runtimes.items():
            enough, too_little = 64 << 10, 0
            while enough - too_little > 64:
                middle = (enough + too_little) // 2
                starts = all(self.starts_in(group, runtime, middle) for _ in range(3))
                enough, too_little = (middle, too_little) if starts else (enough, middle)
            limits[name] = enough
        subprocess.run(["umount", "-l", group], check=True)
        return limits

    def memory_group(self):
        """Mounts a hierarchy with the memory controller, only for this measurement."""
        group = self.scratch / "memory"
        group.mkdir()
        for options in (["cgroup", "-o", "memory"], ["cgroup2"]):
            mount = ["mount", "-t", *options, "none", group]
            if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
                continue
            controllers = group / "cgroup.subtree_control"
            if not controllers.exists() or "memory" in controllers.read_text().split():
                return group
            subprocess.run(["umount", "-l", group], check=True)
        return None

    def starts_in(self, parent, runtime, limit):
        group = parent / "vfs-run-bench"
        group.mkdir()
        try:
            names = ["memory.limit_in_bytes", "memory.max"]
            (file,) = [group / name for name in names if (group / name).exists()]
            file.write_text(str(limit << 10))
            enter = f'echo $$ > "{group}/cgroup.procs"; exec "$@"'
            done = subprocess.run(
                ["sh", "-c", enter, "sh", *runtime, "run", "--bundle", self.bundle, "bench"],
                timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            if done.returncode != 0:
                self.call(*runtime, "delete", "--force", "bench", check=False)
            return done.returncode == 0
        finally:
            deadline = time.monotonic() + 10
            while group.exists() and time.monotonic() < deadline:
                try:
                    group.rmdir()
                except OSError:
                    time.sleep(0.02)

    # Many containers

    def many(self):
        """`list` and `state` with many stopped containers: copies of one."""
        commands = {}
        for name in self.runtimes:
            root = self.states / f"{name}-many"
            runtime = self.with_many(name)
            file = self.fabricate(name, runtime, root)
            commands[f"{name} list"] = [*runtime, "list"]
            commands[f"{name} list, the floor"] = [self.tools / "reader", root, file]
            commands[f"{name} state"] = [*runtime, "state", f"c{CONTAINERS // 2:05}"]
        return commands

    def with_many(self, name):
        """The runtime's command with another root for its states."""
        root = str(self.states / name)
        return [f"{root}-many" if word == root else word for word in self.runtimes[name]]

    def fabricate(self, name, runtime, root):
        """The name of the file with a container's state."""
        pid_file = self.scratch / f"{name}.pid"
        self.call(
            *runtime, "create", "--bundle", self.bundle, "--pid-file", pid_file, "c00000")
        pid = int(pid_file.read_text())
        self.call(*runtime, "kill", "c00000", "KILL")
        while process_runs(pid):
            time.sleep(0.01)
        files = {file.name: file.read_bytes() for file in (root / "c00000").iterdir()
                 if file.is_file() and not file.is_symlink()}
        for number in range(1, CONTAINERS):
            directory = root / f"c{number:05}"
            directory.mkdir(mode=0o700)
            for file, content in files.items():
                (directory / file).write_bytes(content.replace(b"c00000", b"c%05d" % number))
        (file,) = {"state.json", "status"} & set(files)
        return file


def process_runs(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def sums(runs, names):
    """The runs of several commands as one, with the sums of times and page faults."""
    return [
        {"ns": sum(one["ns"] for one in together), "rss": max(one["rss"] for one in together),
         "faults": sum(one["faults"] for one in together),
         "user": sum(one["user"] for one in together),
         "system": sum(one["system"] for one in together)}
        for together in zip(*(runs[name] for name in names))
    ]
