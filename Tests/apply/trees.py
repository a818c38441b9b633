"""Random trees, random changes of them by way of an overlay of the kernel, and records of trees."""

import collections
import ctypes
import hashlib
import os
import random
import socket
import stat
import subprocess

NAMES = [b"a", b"b", b"c", b"d", b"a b", "ü".encode(), b"x.y", b"\xff\xfe", b"new\nline", b"-n", b"\x1b[31m"]
libc = ctypes.CDLL(None, use_errno=True)


def mount(lower, upper, work, merged, options):
    text = f"lowerdir={lower},upperdir={upper},workdir={work}" + "".join(f",{o}" for o in options)
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", text, merged], check=True)


def unmount(merged):
    subprocess.run(["umount", merged], check=True)


def record(root):
    """All there is to say of the files in a tree, by their paths."""
    entries, links = {}, {}
    stack = [(os.fsencode(root), b"")]
    while stack:
        directory, path = stack.pop()
        for name in sorted(os.listdir(directory)):
            if name.startswith(b".vfs-run-apply-"):
                continue
            full, inner = directory + b"/" + name, path + b"/" + name
            status = os.lstat(full)
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(full)
            elif stat.S_ISREG(status.st_mode):
                with open(full, "rb") as file:
                    content = file.read()
                if len(content) > 64:
                    content = f"{len(content)} bytes, {hashlib.sha256(content).hexdigest()[:12]}"
            attributes = {}
            for attribute in os.listxattr(full, follow_symlinks=False):
                if not attribute.startswith("trusted."):
                    attributes[attribute] = os.getxattr(full, attribute, follow_symlinks=False)
            link = None
            if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
                link = links.setdefault(status.st_ino, inner)
            entries[inner] = (
                oct(status.st_mode), status.st_uid, status.st_gid, content, status.st_mtime_ns,
                tuple(sorted(attributes.items())), link, status.st_rdev)
            if stat.S_ISDIR(status.st_mode):
                stack.append((full, inner))
    # A name outside of the tree, in the store or in a layer, counts for the file and not here.
    shared = collections.Counter(entry[6] for entry in entries.values())
    return {
        path: entry if shared[entry[6]] > 1 else (*entry[:6], None, *entry[7:])
        for path, entry in entries.items()
    }


def differences(wanted, found, most=12, before=None):
    """The paths that are not as wanted.

    before: The tree before the apply. A file that the run has copied up and left as it was stays the file
    that it was, with its other names, which it does not have in the overlay.
    """
    def is_left(path, one, other):
        return (
            before is not None and one is not None and other is not None
            and other == before.get(path) and (*one[:6], one[7]) == (*other[:6], other[7]))

    lines = []
    for path in sorted(set(wanted) | set(found)):
        one, other = wanted.get(path), found.get(path)
        if one != other and not is_left(path, one, other):
            lines.append(f"{path}: wanted {one}, found {other}")
    return lines[:most]


class Random:
    def __init__(self, seed, devices=False):
        self.random = random.Random(seed)
        self.devices = devices

    def path(self, depth=4):
        return b"/".join(self.random.choice(NAMES) for _ in range(self.random.randint(1, depth)))

    def content(self):
        size = self.random.choice([0, 1, 10, 100, 5000, 200000])
        return self.random.randbytes(min(size, 50)) * (size // 50 + 1)

    def make(self, root):
        """A tree to start from."""
        root = os.fsencode(root)
        for _ in range(self.random.randint(5, 40)):
            self.change(root, first=True)

    def change(self, root, first=False):
        """One change, that may fail."""
        one, other = root + b"/" + self.path(), root + b"/" + self.path()
        number = self.random.randint(0, 21)
        if first:
            number = self.random.choice([0, 0, 1, 1, 1, 1, 8, 9, 13, 14, 15, 16, 20])
        try:
            if number == 0:
                os.makedirs(one, exist_ok=True)
            elif number in (1, 2, 3):
                os.makedirs(os.path.dirname(one), exist_ok=True)
                with self.open(one, os.O_CREAT | os.O_TRUNC) as file:
                    file.write(self.content())
            elif number == 4:
                self.remove(one)
            elif number == 5:
                self.remove(one)
                os.makedirs(one)
                with open(one + b"/n", "wb") as file:
                    file.write(b"n")
            elif number == 6:
                os.rename(one, other)
            elif number == 7:
                subprocess.run(["mv", "-T", "--", one, other], stderr=subprocess.DEVNULL, check=False)
            elif number == 8:
                os.chmod(one, self.random.choice([0o700, 0o755, 0o600, 0o4711, 0o2755, 0o1777]))
            elif number == 9:
                os.chown(one, self.random.randint(0, 3), self.random.randint(0, 3), follow_symlinks=False)
            elif number == 10:
                with self.open(one, os.O_APPEND) as file:
                    file.write(b"more")
            elif number == 11:
                os.utime(one, ns=(5, self.random.randint(0, 10**18)), follow_symlinks=False)
            elif number == 12:
                os.chmod(one, 0o711)
                os.chmod(one, 0o755)
            elif number == 13:
                os.link(one, other, follow_symlinks=False)
            elif number == 14:
                # Other changes follow it, as root: an absolute one names nothing.
                os.symlink(self.random.choice([b"a", b"../b", b"/nonexistent/file", b"c/d", b"\xff"]), one)
            elif number == 15:
                os.setxattr(one, self.random.choice(["user.a", "user.b"]), self.random.randbytes(5), follow_symlinks=False)
            elif number == 16:
                subprocess.run(["setfacl", "-m", "u:2:rx", "--", one], stderr=subprocess.DEVNULL, check=False)
            elif number == 17:
                os.mkfifo(one)
            elif number == 18:
                os.removexattr(one, "user.a", follow_symlinks=False)
            elif number == 19:
                subprocess.run(["cp", "-a", "--remove-destination", "--", one, other], stderr=subprocess.DEVNULL, check=False)
            elif number == 20:
                os.setxattr(one, "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
            elif number == 21:
                os.truncate(one, self.random.choice([0, 3, 300000]))
        except OSError:
            pass

    @staticmethod
    def open(path, flags):
        """For writing, without waiting for the reader of a FIFO."""
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK | flags, 0o666), "wb")

    @staticmethod
    def remove(path):
        subprocess.run(["rm", "-rf", "--", path], stderr=subprocess.DEVNULL, check=False)


class Box:
    """A tree, an upper over it in a directory of --upper, and a mount of both."""

    def __init__(self, place, options=(), upper_place=None):
        self.place = place
        self.tree = f"{place}/tree"
        self.kept = f"{upper_place or place}/kept"
        self.merged = f"{place}/merged"
        self.options = list(options)
        for name in (self.tree, self.kept, f"{self.kept}/upper", f"{self.kept}/work", self.merged):
            os.makedirs(name)
        os.chmod(self.kept, 0o700)

    def begin(self):
        names = [o for o in self.options if o == "userxattr"]
        with open(f"{self.kept}/layers.json", "w") as file:
            file.write('{"layers": ["%s"], "options": [%s]}' % (self.tree, ", ".join(f'"{n}"' for n in names)))
        os.chmod(f"{self.kept}/layers.json", 0o600)
        # Times of files have the clock's ticks.
        subprocess.run(["sleep", "0.01"], check=True)
        with open(f"{self.kept}/lock", "w"):
            pass
        os.chmod(f"{self.kept}/lock", 0o600)
        status = os.stat(self.tree)
        os.chmod(f"{self.kept}/upper", status.st_mode & 0o7777)
        os.chown(f"{self.kept}/upper", status.st_uid, status.st_gid)

    def __enter__(self):
        mount(self.tree, f"{self.kept}/upper", f"{self.kept}/work", self.merged, self.options)
        return self

    def __exit__(self, *_):
        unmount(self.merged)
