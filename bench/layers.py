"""Measures layers: unpacking many small files and one large file beside umoci and GNU tar; diff."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tarfile
import time

SMALL_FILES = 50_000
LARGE_SIZE = 2 << 30
CHUNK = 64 << 20
MEMORY = 64 << 20
ROOM = 7 << 30
UPPER_FILES = [10, 1000, 10_000]
COMPRESSIONS = {"none": None, "gzip": ["gzip", "-1"], "zstd": ["zstd", "-q", "-1"]}
SUFFIX = {"none": "", "gzip": ".gz", "zstd": ".zst"}


def place():
    """The scratch directory: in memory if it has room, so that the disk is not measured."""
    shared = pathlib.Path("/dev/shm")
    chosen = os.environ.get("TMPDIR")
    if chosen is None and shared.is_dir() and shutil.disk_usage(shared).free > ROOM:
        chosen = shared
    chosen = pathlib.Path(chosen or "/tmp")
    if shutil.disk_usage(chosen).free < ROOM:
        raise SystemExit(f"bench/run --layers: {chosen} has less than {ROOM >> 30} GB; set TMPDIR")
    return chosen


def text(chance, size):
    words = [chance.randbytes(3).hex() for _ in range(3000)]
    return " ".join(chance.choices(words, k=size // 7)).encode()


def compress(kind, source, target):
    if COMPRESSIONS[kind] is None:
        shutil.copyfile(source, target)
        return
    with open(source, "rb") as read, open(target, "wb") as write:
        subprocess.run([*COMPRESSIONS[kind], "-c"], stdin=read, stdout=write, check=True)


def small_archives(scratch):
    """50,000 text files of 200 to 9,000 bytes, a hundred in a directory."""
    chance = random.Random(7)
    pool = text(chance, 4 << 20)
    tree = scratch / "tree"
    for number in range(SMALL_FILES // 100):
        folder = tree / f"d{number // 25}/e{number}"
        folder.mkdir(parents=True)
        for file in range(100):
            size = chance.choice([200, 800, 2000, 4000, 9000])
            start = chance.randrange(len(pool) - size)
            (folder / f"f{file}").write_bytes(pool[start : start + size])
    tar = scratch / "layer.tar"
    subprocess.run(["tar", "-C", tree, "--numeric-owner", "-cf", tar, "."], check=True)
    shutil.rmtree(tree)
    for kind in COMPRESSIONS:
        if kind != "none":
            compress(kind, tar, tar.with_name(tar.name + SUFFIX[kind]))
    return tar


def large_archives(scratch):
    """One file of 2 GB, a tenth of it noise: 64 MB repeated, each compressed separately, because
    consecutive gzip members and zstd frames form one stream."""
    chance = random.Random(3)
    pool = text(chance, 8 << 20)
    chunk = scratch / "chunk"
    with open(chunk, "wb") as file:
        while file.tell() < CHUNK:
            start = chance.randrange(len(pool) // 2)
            file.write(pool[start : start + 900_000] + chance.randbytes(100_000))
        file.truncate(CHUNK)
    entry = tarfile.TarInfo("file")
    entry.size = LARGE_SIZE
    entry.mtime = 1_000_000_000
    ends = [scratch / "head", scratch / "tail"]
    ends[0].write_bytes(entry.tobuf(tarfile.USTAR_FORMAT))
    ends[1].write_bytes(bytes(10240 - 512))
    tar = scratch / "layer.tar"
    for kind in COMPRESSIONS:
        parts = []
        for source in (ends[0], chunk, ends[1]):
            part = source.with_name(f"{source.name}.{kind}")
            compress(kind, source, part)
            parts.append(part)
        with open(tar.with_name(tar.name + SUFFIX[kind]), "wb") as file:
            for part in [parts[0], *[parts[1]] * (LARGE_SIZE // CHUNK), parts[2]]:
                with open(part, "rb") as read:
                    shutil.copyfileobj(read, file, 1 << 20)
        for part in parts:
            part.unlink()
    for part in (*ends, chunk):
        part.unlink()
    return tar


def digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def layout(directory, tar, layer, kind):
    """An image layout with one layer."""
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(media_type, path):
        name = digest(path)
        target = blobs / name.removeprefix("sha256:")
        if not target.exists():
            os.link(path, target)
        return {"mediaType": media_type, "digest": name, "size": path.stat().st_size}

    def document(media_type, value):
        path = directory / "document"
        path.write_text(json.dumps(value))
        found = add(media_type, path)
        path.unlink()
        return found

    prefix = "application/vnd.oci.image."
    config = document(
        prefix + "config.v1+json",
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["true"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
        },
    )
    suffix = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}[kind]
    manifest = document(
        prefix + "manifest.v1+json",
        {
            "schemaVersion": 2,
            "mediaType": prefix + "manifest.v1+json",
            "config": config,
            "layers": [add(prefix + "layer.v1.tar" + suffix, layer)],
        },
    )
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [manifest]})
    )


def run(words):
    """The seconds, and the peak memory of the largest process."""
    start = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: {error.decode()}")
    return seconds, usage.ru_maxrss << 10


def unpacking(vfs_run, scratch, rounds):
    """Prints the table; returns the measurements and whether the targets are reached."""
    result = {}
    reached = True
    for tree, make, turns in [
        ("small", small_archives, rounds), ("large", large_archives, max(1, rounds - 1)),
    ]:
        tar = make(scratch)
        for kind in COMPRESSIONS:
            layer = tar.with_name(tar.name + SUFFIX[kind])
            image = scratch / f"image-{kind}"
            layout(image, tar, layer, kind)
            times, peak = take_turns(vfs_run, scratch, image, layer, kind, turns)
            medians = {name: statistics.median(found) for name, found in times.items()}
            ratio = medians["vfs-run"] / medians["tar"]
            ok = ratio <= 1.3 and peak <= MEMORY
            line = (
                f"  {tree:5} {kind:4}  vfs-run {medians['vfs-run']:6.2f} s  "
                f"tar {medians['tar']:6.2f} s ({ratio:.2f} of it)  memory {peak >> 20} MB"
            )
            if "umoci" in medians:
                faster = medians["umoci"] / medians["vfs-run"]
                ok = ok and faster >= 2
                line += f"  umoci {medians['umoci']:6.2f} s ({faster:.1f} times)"
            print(line + ("" if ok else "  MISSED"), flush=True)
            reached = reached and ok
            result[f"{tree}-{kind}"] = {"seconds": times, "memory": peak}
            shutil.rmtree(image)
            if kind != "none":
                layer.unlink()
        tar.unlink()
    return result, reached


def take_turns(vfs_run, scratch, image, layer, kind, rounds):
    target = scratch / "target"
    option = {"none": [], "gzip": ["-z"], "zstd": ["--zstd"]}[kind]
    ways = {
        "vfs-run": lambda: run([vfs_run, "unpack", "--no-sync", f"oci:{image}:t", target]),
        "tar": lambda: (target.mkdir(), run(["tar", "-C", target, *option, "-xpf", layer]))[1],
    }
    if kind == "gzip" and shutil.which("umoci"):  # umoci 0.4.7 supports no other
        ways["umoci"] = lambda: run(["umoci", "unpack", "--image", f"{image}:t", target])
    times = {name: [] for name in ways}
    peak = 0
    for _ in range(rounds):
        for name, way in ways.items():
            seconds, memory = way()
            times[name].append(seconds)
            if name == "vfs-run":
                peak = max(peak, memory)
            shutil.rmtree(target)
    return times, peak


def fill(root, count, text):
    """Makes the files, 500 in a directory."""
    for index in range(count):
        folder = root / str(index // 500)
        if index % 500 == 0:
            folder.mkdir(parents=True)
        (folder / str(index)).write_text(text)


def differences(vfs_run, scratch, rounds):
    """Measures diff of uppers with few and many files, over layers with few and many."""
    result = {}
    for upper in UPPER_FILES:
        fill(scratch / f"upper-{upper}", upper, "new")
    lowers = [UPPER_FILES[0], SMALL_FILES]
    for lower in lowers:
        fill(scratch / f"lower-{lower}", lower, "old")
    peak = 0
    for upper in UPPER_FILES:
        words = {
            lower: [vfs_run, "diff", "--layer", scratch / f"lower-{lower}",
                    scratch / f"upper-{upper}"]
            for lower in lowers
        }
        times = {lower: [] for lower in lowers}
        for _ in range(rounds):
            for lower in lowers:
                seconds, memory = run(words[lower])
                times[lower].append(seconds * 1e3)
                peak = max(peak, memory)
        medians = {lower: statistics.median(found) for lower, found in times.items()}
        print(f"  diff of {upper:6} files: " + "  ".join(
            f"over {lower:6} {medians[lower]:7.2f} ms" for lower in lowers), flush=True)
        result[upper] = times
    # Uppers of ten files are compared over both layers, larger uppers over the large layer.
    few = result[UPPER_FILES[0]]
    ratio = statistics.median(few[SMALL_FILES]) / statistics.median(few[lowers[0]])
    ok = ratio <= 1.3 and peak <= MEMORY
    print(f"  {UPPER_FILES[0]} files over the large layer: {ratio:.2f} of the small one's time,"
          f" memory {peak >> 20} MB" + ("" if ok else "  MISSED"))
    return result, ok


def measure(vfs_run, scratch, rounds):
    magic = subprocess.run(
        ["stat", "-f", "-c", "%T", scratch], check=True, stdout=subprocess.PIPE, text=True)
    print(f"Layers, on {magic.stdout.strip()}, {rounds} rounds in turn (one less for 2 GB)\n")
    unpacked, is_fast = unpacking(vfs_run, scratch, rounds)
    compared, is_small = differences(vfs_run, scratch, 15)
    return {"unpack": unpacked, "diff": compared}, is_fast and is_small
