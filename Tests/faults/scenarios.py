"""The commands that faults are injected into. A scenario prepares its files once. For every run it sets
up its environment, names the command, and afterwards reports the result."""

import json
import os
import pathlib
import shutil
import socket

import world

DEFAULT_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]

# Operations that the program tries, in addition to the probe's facts. Each answer is compared.
ATTEMPTS = [
    # Masked and read-only paths.
    "read:/proc/kcore", "read:/proc/keys", "read:/proc/timer_list", "list:/proc/scsi",
    "list:/sys/firmware", "open-write:/proc/sysrq-trigger", "open-write:/proc/sys/kernel/hostname",
    "open-write:/proc/sys/kernel/core_pattern", "open-write:/proc/irq/default_smp_affinity",
    "open-write:/sys/kernel/mm/transparent_hugepage/enabled", "read:/secret/file",
    "create:/secret/new", "list:/secret", "create:/readable/new", "read:/readable/file",
    # The root and the mounts.
    "create:/new", "create:/read-only/new", "create:/small/new", "mknod:/device",
    "exec:/small/true", "lstat:/dev/console", "lstat:/dev/null", "open-write:/dev/kmsg",
    # Rights.
    "read:/proc/self/status", "read:/proc/self/uid_map", "read:/proc/self/gid_map",
    "read:/proc/self/setgroups", "read:/proc/self/timens_offsets", "read:/proc/self/personality",
    "keyring:", "call:mount", "call:unshare-user", "call:bpf", "call:keyctl", "call:reboot",
    "call:sethostname", "call:packet", "call:io_uring", "call:setuid0", "call:userfaultfd",
    "call:unshare-mount", "call:chroot", "call:tiocsti",
    # Kernel parameters and the control group, in version 1 and 2.
    "sysctl:net/ipv4/ip_forward", "sysctl:kernel/msgmax", "sysctl:kernel/domainname",
    "list:/sys/fs/cgroup", "create:/sys/fs/cgroup/cgroup.procs",
    "read:/sys/fs/cgroup/memory/memory.limit_in_bytes", "read:/sys/fs/cgroup/pids/pids.max",
    "read:/sys/fs/cgroup/devices/devices.list", "read:/sys/fs/cgroup/cpu/cpu.shares",
    "mkdir:/sys/fs/cgroup/memory/new", "read:/sys/fs/cgroup/memory.max",
    "read:/sys/fs/cgroup/pids.max", "read:/sys/fs/cgroup/cpu.weight", "mkdir:/sys/fs/cgroup/new",
    "scheduling:",
]


def mount(destination, kind, *options, source=None):
    return {
        "destination": destination, "type": kind, "source": str(source or kind),
        "options": list(options)}


def configuration(work, group):
    """A config with every kind of restriction."""
    capabilities = {
        kind: list(DEFAULT_CAPABILITIES) for kind in ["bounding", "effective", "permitted"]}
    config = {
        "ociVersion": "1.3.0",
        "process": {
            "args": ["/probe"] + ATTEMPTS,
            "cwd": "/tmp",
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "user": {"uid": 0, "gid": 0, "umask": 0o27, "additionalGids": [10, 20]},
            "capabilities": capabilities,
            "rlimits": [
                {"type": "RLIMIT_NOFILE", "soft": 512, "hard": 1024},
                {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
            ],
            "oomScoreAdj": 100,
            "noNewPrivileges": True,
            "scheduler": {"policy": "SCHED_BATCH", "nice": 3},
            "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6},
        },
        "root": {"path": str(work / "base"), "readonly": True},
        "hostname": "box",
        "domainname": "example",
        "mounts": [
            mount("/proc", "proc", "nosuid", "noexec", "nodev"),
            mount("/dev", "tmpfs", "nosuid", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666",
                  "mode=0620"),
            mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
            mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
            mount("/tmp", "tmpfs", "nosuid", "nodev", "noexec", "mode=1777", "size=1m"),
            mount("/small", "tmpfs", "noexec", "size=64k"),
            mount("/read-only", "bind", "rbind", "ro", "nosuid", "nodev",
                  source=work / "shared"),
            mount("/secret", "bind", "bind", source=work / "secret"),
            mount("/readable", "bind", "bind", source=work / "readable"),
        ],
        "linux": {
            "namespaces": [
                {"type": kind}
                for kind in ["pid", "network", "ipc", "uts", "mount", "cgroup", "time"]],
            "timeOffsets": {"monotonic": {"secs": 1000}},
            "personality": {"domain": "LINUX32"},
            "cgroupsPath": f"/{group}/parent/box",
            "resources": {
                "memory": {"limit": 256 << 20},
                "pids": {"limit": 64},
                "cpu": {"shares": 512},
                "devices": [
                    {"allow": False, "access": "rwm"},
                    {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "rw"},
                ],
            },
            "devices": [
                {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o600,
                 "uid": 0, "gid": 0}],
            "sysctl": {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4096"},
            "rootfsPropagation": "private",
            "maskedPaths": [
                "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware",
                "/secret"],
            "readonlyPaths": ["/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
                              "/readable"],
        },
        "vfs": {
            "overlay": {"layers": [str(work / "base"), str(work / "probe-layer")]},
            "seccomp": str(work / "seccomp.json"),
        },
    }
    return config


class Scenario:
    """A command that starts or uses a container."""

    name = ""
    # Whether the program makes a report.
    reports = True
    user = 0
    # The caller's standard input and output are a terminal.
    terminal = False

    def __init__(self, context):
        self.context = context
        self.work = context.work
        self.directory = context.work / self.name
        self.runtime = str(context.work / "vfs-run")

    def prepare(self):
        self.directory.mkdir()
        self.write(self.config())

    def config(self):
        return configuration(self.work, self.context.group)

    def places(self):
        """Directories that must not change, the host's directories that the container mounts included."""
        shared = [self.work / name for name in ["shared", "secret", "readable"]]
        return [self.directory, *shared, "/var/cache"]

    def write(self, config, name="config.json"):
        (self.directory / name).write_text(json.dumps(config, indent=1))

    def set_up(self, streams):
        """Prepares the environment of the command."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "LANG": "C"}

    def stays(self, ending):
        """The number of the container's processes that must remain."""
        return 0

    def follow(self, ending):
        """Runs the commands that show the result. Returns descriptions of errors."""
        return []

    def observe(self):
        """The result of the command if it is not a program's report."""
        return None

    def keep(self):
        """Data that the command must not change, whatever its result."""
        return None

    def clean(self):
        """Runs the commands that remove everything. Returns descriptions of errors."""
        return []

    def reset(self):
        """Restores the state after `prepare`."""
        for place in ["/run"]:
            for path in pathlib.Path(place).iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def vfs_run(self, *words):
        return world.run([self.runtime, *words], env=self.environment(), cwd=self.directory)


class OneShot(Scenario):
    """vfs-run CONFIG.json, as root."""

    name = "oneshot"

    def command(self):
        return [self.runtime, "config.json"]


class OneShotUser(OneShot):
    """The program runs as an ordinary user."""

    name = "oneshot-user"

    def config(self):
        config = super().config()
        config["process"]["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [10]}
        config["process"]["capabilities"]["inheritable"] = ["CAP_NET_BIND_SERVICE"]
        config["process"]["capabilities"]["ambient"] = ["CAP_NET_BIND_SERVICE"]
        return config


class OneShotCold(OneShot):
    """Without a compiled filter in the cache."""

    name = "oneshot-cold"

    def reset(self):
        super().reset()
        shutil.rmtree("/var/cache/vfs-run", ignore_errors=True)


class OneShotMapped(OneShot):
    """With a user namespace."""

    name = "oneshot-mapped"

    def config(self):
        config = super().config()
        config["linux"]["namespaces"].append({"type": "user"})
        for kind in ["uid", "gid"]:
            config["linux"][f"{kind}Mappings"] = [
                {"containerID": 0, "hostID": 100000, "size": 65536}]
        del config["linux"]["devices"]
        # Without capabilities on the host a worker with a nice value cannot lower it.
        del config["process"]["scheduler"]
        return config


class OneShotKept(OneShot):
    """With a kept upper."""

    name = "oneshot-kept"

    def config(self):
        config = super().config()
        config["root"]["readonly"] = False
        return config

    def command(self):
        return [self.runtime, "--upper", "state", "config.json"]

    def reset(self):
        super().reset()
        shutil.rmtree(self.directory / "state", ignore_errors=True)

    def clean(self):
        if (self.directory / "state").exists():
            shutil.rmtree(self.directory / "state")
        return []


class OneShotTerminal(OneShot):
    """At a terminal."""

    name = "oneshot-terminal"
    terminal = True

    def config(self):
        config = super().config()
        config["process"]["terminal"] = True
        # The terminal echoes its input into the middle of the report.
        config["process"]["args"].remove("call:tiocsti")
        return config


class OneShotInit(OneShot):
    """With an init as process 1, and Landlock."""

    name = "oneshot-init"

    def config(self):
        config = super().config()
        config["vfs"]["init"] = True
        config["vfs"]["landlock"] = True
        return config


class OneShotProxy(OneShot):
    """With a way to a proxy of the host."""

    name = "oneshot-proxy"

    def config(self):
        config = super().config()
        config["vfs"]["network"] = {"proxy": str(self.directory / "proxy.sock")}
        return config

    def set_up(self, streams):
        self.proxy = socket.socket(socket.AF_UNIX)
        self.proxy.bind(str(self.directory / "proxy.sock"))
        self.proxy.listen()

    def clean(self):
        self.proxy.close()
        (self.directory / "proxy.sock").unlink()
        return []


class OneShotRootless(OneShot):
    """As an ordinary user of the host, with subordinate ids."""

    name = "oneshot-rootless"
    user = world.USER

    def prepare(self):
        super().prepare()
        (self.directory / "run").mkdir()
        for path in [self.directory, self.directory / "run"]:
            os.chown(path, self.user, self.user)

    def config(self):
        config = super().config()
        del config["process"]["ioPriority"]
        del config["process"]["scheduler"]
        config["process"]["oomScoreAdj"] = 200
        for key in ["resources", "cgroupsPath", "devices"]:
            del config["linux"][key]
        return config

    def environment(self):
        home = str(self.directory / "run")
        return super().environment() | {"XDG_RUNTIME_DIR": home, "HOME": home}

    def reset(self):
        super().reset()
        run = self.directory / "run"
        for path in run.iterdir():
            if path.name != ".cache":
                shutil.rmtree(path)


class Container(Scenario):
    """A command for the container `id`."""

    id = "box"
    # The program waits until the container is deleted.
    waits = False

    def config(self):
        config = super().config()
        if self.waits:
            config["process"]["args"] = ["/probe", "--wait"]
        config["hooks"] = {
            kind: [{"path": "/bin/true"}]
            for kind in ["createRuntime", "createContainer", "startContainer", "poststart",
                         "poststop"]}
        return config

    def clean(self):
        outcome = self.vfs_run("delete", "--force", self.id)
        return [] if outcome.code == 0 else [f"delete --force: {outcome.error.strip()}"]

    def prepared(self, *words, streams=None):
        """A command that prepares the environment; its program has the streams of the run."""
        return self.context.run(self, [self.runtime, *words], streams)

    def status(self):
        outcome = self.vfs_run("state", self.id)
        return json.loads(outcome.output)["status"] if outcome.code == 0 else outcome.error.strip()


class Create(Container):
    name = "create"

    def command(self):
        return [self.runtime, "create", "--pid-file", "pid", self.id]

    def follow(self, ending):
        if ending[0] == "exit" and ending[1] != 0:
            return []
        outcome = self.vfs_run("start", self.id)
        # If create is killed at its very end, the container can be started. If it is killed earlier, the
        # init process exits by itself.
        if outcome.code == 0 or ending[0] == "signal":
            return []
        return [f"start: {outcome.code} {outcome.error.strip()}"]

    def clean(self):
        (self.directory / "pid").unlink(missing_ok=True)
        return super().clean()


class Start(Container):
    name = "start"

    def stays(self, ending):
        # A container whose start did not finish can still be started.
        return 0 if ending == ("exit", 0) else 1

    def set_up(self, streams):
        self.prepared("create", self.id, streams=streams)

    def command(self):
        return [self.runtime, "start", self.id]

    def follow(self, ending):
        # A container that waits for its start can be started.
        if self.status() != "created":
            return []
        outcome = self.vfs_run("start", self.id)
        # The removal may have been in progress.
        started = outcome.code == 0 or "already running" in outcome.error
        return [] if started else [f"start: {outcome.code} {outcome.error.strip()}"]


class Run(Container):
    name = "run"

    def command(self):
        return [self.runtime, "run", self.id]


class RunDetached(Container):
    name = "run-detached"

    def command(self):
        return [self.runtime, "run", "--detach", "--pid-file", "pid", self.id]

    def clean(self):
        (self.directory / "pid").unlink(missing_ok=True)
        return super().clean()


class Exec(Container):
    name = "exec"
    waits = True

    def stays(self, ending):
        return 1

    def set_up(self, streams):
        self.prepared("run", "--detach", self.id)

    def command(self):
        return [self.runtime, "exec", self.id, "/probe", *ATTEMPTS]

    def keep(self):
        return self.status()


class ExecLandlock(Exec):
    """Into a container whose programs Landlock confines."""

    name = "exec-landlock"

    def config(self):
        config = super().config()
        config["vfs"]["landlock"] = True
        return config


class Update(Container):
    name = "update"
    reports = False
    waits = True

    def stays(self, ending):
        return 1

    def set_up(self, streams):
        self.prepared("run", "--detach", self.id)

    def command(self):
        return [self.runtime, "update", "--memory", "128m", "--pids-limit", "32", "--cpu-shares",
                "256", self.id]

    def observe(self):
        found = {}
        for place in world.hierarchies():
            for name in ["memory.limit_in_bytes", "memory.max", "pids.max", "cpu.shares",
                         "cpu.weight"]:
                path = place / self.context.group / "parent/box" / name
                if path.exists():
                    found[f"{place.name}/{name}"] = path.read_text().strip()
        return found

    def keep(self):
        return self.status()


class Delete(Container):
    name = "delete"
    reports = False
    waits = True

    def stays(self, ending):
        return 0 if ending == ("exit", 0) else 1

    def set_up(self, streams):
        self.prepared("run", "--detach", self.id)

    def command(self):
        return [self.runtime, "delete", "--force", self.id]

    def observe(self):
        # Without a container it is an error.
        return self.status()


class Kill(Delete):
    name = "kill"

    def command(self):
        return [self.runtime, "kill", self.id, "KILL"]

    def observe(self):
        return self.status()


class Unpack(Scenario):
    name = "unpack"
    reports = False

    def prepare(self):
        super().prepare()
        layer = self.directory / "layer"
        for name in ["etc", "bin"]:
            (layer / name).mkdir(parents=True)
        (layer / "etc/file").write_text("text\n")
        (layer / "bin/link").symlink_to("../etc/file")
        os.link(layer / "etc/file", layer / "etc/other")
        os.mknod(layer / "null", 0o20666, os.makedev(1, 3))
        config = self.config()
        config["vfs"]["overlay"]["layers"] = [str(layer)]
        self.write(config)
        outcome = self.vfs_run("pack", "--quiet", ".", "oci:image:one")
        if outcome.code != 0:
            raise RuntimeError(outcome.error)

    def config(self):
        config = super().config()
        config["root"]["path"] = "layer"
        return config

    def command(self):
        return [self.runtime, "unpack", "--quiet", "oci:image:one", "bundle"]

    def observe(self):
        return self.result("bundle")

    def result(self, name):
        found = world.files([self.directory / name])
        return {path: list(facts) for path, facts in found.items()}

    def clean(self):
        path = self.directory / "bundle"
        if path.exists():
            shutil.rmtree(path)
        return []


class Kept(Scenario):
    """A command for a kept upper with a snapshot."""

    reports = False

    def config(self):
        config = super().config()
        config["root"]["readonly"] = False
        return config

    def prepare(self):
        super().prepare()
        for options, word in [([], "one"), (["--snapshot", "first"], "two")]:
            script = f"echo {word} > /etc/{word}; rm -rf /home; mkdir /opt/{word}"
            outcome = self.vfs_run(
                "--upper", "kept", *options, "config.json", "--", "/bin/sh", "-c", script)
            if outcome.code != 0:
                raise RuntimeError(outcome.error)

    def result(self, name):
        found = world.files([self.directory / name])
        return {path: list(facts) for path, facts in found.items()}


class Commit(Kept):
    name = "commit"

    def command(self):
        return [self.runtime, "commit", "--quiet", "-o", "layer.tar.gz", "kept"]

    def observe(self):
        path = self.directory / "layer.tar.gz"
        return self.context.digest(path) if path.exists() else None

    def clean(self):
        (self.directory / "layer.tar.gz").unlink(missing_ok=True)
        return []


class CommitDirectory(Kept):
    name = "commit-directory"

    def command(self):
        return [self.runtime, "commit", "--quiet", "-o", "layer/", "kept"]

    def observe(self):
        return self.result("layer")

    def clean(self):
        shutil.rmtree(self.directory / "layer", ignore_errors=True)
        return []


class Undo(Kept):
    name = "undo"

    def set_up(self, streams):
        world.run(["cp", "-a", "kept", "copy"], cwd=self.directory)

    def command(self):
        return [self.runtime, "undo", "copy"]

    def observe(self):
        # A repeated command succeeds, whatever the first one did.
        return self.result("copy")

    def clean(self):
        shutil.rmtree(self.directory / "copy", ignore_errors=True)
        return []


ALL = [
    OneShot, OneShotUser, OneShotCold, OneShotMapped, OneShotKept, OneShotTerminal, OneShotInit,
    OneShotProxy, ExecLandlock,
    OneShotRootless, Create, Start, Run, RunDetached, Exec, Update, Delete, Kill, Unpack, Commit, CommitDirectory, Undo,
]
