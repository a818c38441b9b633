"""The private environment of a worker: mount and pid namespaces, directories in memory, and a parent
control group. All of it is searched for remains of a run."""

import ctypes
import fcntl
import os
import pathlib
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time

# The runtime writes on the host only below these directories.
PRIVATE = ["/tmp", "/run", "/var/cache"]
GROUPS = pathlib.Path("/sys/fs/cgroup")
USER = 54321  # whom no machine knows
FIRST_SUBORDINATE = 300000
SECONDS = 10  # after which a run hangs
PIPE_SIZE = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)


def set_up(sources):
    """Called by the first process of new mount and pid namespaces: makes directories with copies of the
    `sources`, by their names. The sources may lie below directories that are then hidden."""
    mount = ["mount", "-t", "tmpfs", "-o", "mode=0755", "faults"]
    subprocess.run([*mount, "/mnt"], check=True)
    work = pathlib.Path("/mnt/faults")
    work.mkdir()
    for name, source in sources.items():
        (work / name).parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, work / name, symlinks=True)
        else:
            shutil.copy(source, work / name)
    etc = work / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(f"root:x:0:0::/:/bin/sh\nordinary:x:{USER}:{USER}::/:/bin/sh\n")
    for name in ["subuid", "subgid"]:
        (etc / name).write_text(f"ordinary:{FIRST_SUBORDINATE}:65536\n")
    for name in ["shared", "secret", "readable"]:
        (work / name).mkdir()
        (work / name / "file").write_text(name + "\n")
    for place in PRIVATE[1:]:
        pathlib.Path(place).mkdir(exist_ok=True)
        subprocess.run([*mount, place], check=True)
    subprocess.run(["mount", "--move", "/mnt", PRIVATE[0]], check=True)
    os.chmod("/tmp", 0o1777)
    work = pathlib.Path("/tmp/faults")
    for name in ["passwd", "subuid", "subgid"]:
        target = pathlib.Path("/etc") / name
        if target.exists():
            subprocess.run(["mount", "--bind", work / "etc" / name, target], check=True)
    return work


class Outcome:
    """The ending of a command."""

    def __init__(self, code, output, error):
        self.code = code
        self.output = output
        self.error = error


class Pipe:
    """Holds the output of a run until it is read. A process that is left cannot keep the reader waiting,
    and no run waits for a reader."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        os.set_blocking(self.reader, False)

    def changed(self):
        return []

    def take(self):
        text = b""
        while True:
            try:
                part = os.read(self.reader, 1 << 16)
            except BlockingIOError:
                break
            if not part:
                break
            text += part
        return text.decode(errors="replace")

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


class PseudoTerminal:
    """A terminal of the caller, which is read continuously."""

    def __init__(self):
        self.near, self.writer = os.openpty()
        fcntl.ioctl(self.writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.settings = termios.tcgetattr(self.writer)
        self.text = b""
        self.is_over = threading.Event()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        while True:
            over = self.is_over.is_set()
            if select.select([self.near], [], [], 0.02)[0]:
                self.text += os.read(self.near, 1 << 16)
            elif over:
                return

    def take(self):
        self.is_over.set()
        self.reader.join()
        return self.text.decode(errors="replace").replace("\r\n", "\n")

    def changed(self):
        """Descriptions of changed settings."""
        same = termios.tcgetattr(self.writer) == self.settings
        return [] if same else ["terminal: its settings are not the caller's"]

    def close(self):
        self.is_over.set()
        self.reader.join()
        os.close(self.near)
        os.close(self.writer)


def wait_for(words, seconds=SECONDS, **options):
    """Runs a command to its end and returns its exit code. Popen.wait with a limit would poll."""
    words = [str(word) for word in words]
    with subprocess.Popen(words, **options) as process:
        end = os.pidfd_open(process.pid)
        came = select.select([end], [], [], seconds)[0]
        os.close(end)
        if not came:
            process.kill()
            raise RuntimeError(f"{words} takes more than {seconds} seconds")
        return process.wait()


def run(words, **options):
    """Runs a command to its end, without a fault."""
    output, error = Pipe(), Pipe()
    try:
        code = wait_for(
            words, stdin=subprocess.DEVNULL, stdout=output.writer, stderr=error.writer, **options)
        return Outcome(code, output.take(), error.take())
    finally:
        output.close()
        error.close()


# Remains -----------------------------------------------------------------------------------------

def collect():
    """Process 1 of a pid namespace is the parent of orphans."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def processes():
    collect()
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1")


def describe(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        where = pathlib.Path(f"/proc/{pid}/wchan").read_text().strip()
        return f"{name} ({words}) in {where}"
    except OSError:
        return "gone"


def await_processes(expected=0, seconds=SECONDS):
    """Waits until at most `expected` are left, because the kernel ends a container asynchronously."""
    deadline = time.monotonic() + seconds
    pause = 0.0005
    while len(left := processes()) > expected and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    return [f"process {describe(pid)}" for pid in left] if len(left) > expected else []


def end_processes():
    for _ in range(1000):
        left = processes()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.002)


def hierarchies():
    """The mount points of cgroups: one with version 2, several with version 1."""
    if (GROUPS / "cgroup.controllers").exists():
        return [GROUPS]
    places = sorted(GROUPS.iterdir()) if GROUPS.exists() else []
    return [place for place in places if place.is_dir() and not place.is_symlink()]


def groups(parent):
    found = []
    for place in hierarchies():
        for directory, _, _ in os.walk(place / parent):
            found.append(directory)
    return sorted(found)


def remove_groups(parent):
    for directory in reversed(groups(parent)):
        for _ in range(200):
            try:
                os.rmdir(directory)
                break
            except OSError:
                time.sleep(0.005)


def mounts():
    return sorted(
        " ".join(line.split()[3:]) for line in open("/proc/self/mountinfo", encoding="utf-8"))


def files(places):
    """Names, types, owners, modes and sizes of the files below these places."""
    found = {}
    for place in places:
        for directory, names, others in os.walk(place):
            for name in names + others:
                path = os.path.join(directory, name)
                status = os.lstat(path)
                size = status.st_size if not os.path.isdir(path) else 0
                found[path] = (oct(status.st_mode), status.st_uid, status.st_gid, size)
    return found


def remove_files(places, kept):
    """Removes files that are not in `kept`, so that the next run does not find them."""
    for name in sorted(set(files(places)) - set(kept or files(places)), reverse=True):
        if os.path.isdir(name) and not os.path.islink(name):
            os.rmdir(name)
        else:
            os.unlink(name)


def namespaces():
    return {
        kind: os.readlink(f"/proc/self/ns/{kind}")
        for kind in ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]}


def session_keyring():
    get_keyring, session = 0, -3
    return libc.syscall(250, get_keyring, session, 0)


def without_numbers(text):
    """Removes numbers that the kernel assigns for every run: anonymous devices, pipes, sockets."""
    return re.sub(r":\[\d+\]", "", text)
