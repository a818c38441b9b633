"""Unpacking layers: vfs-run beside umoci and GNU tar, on many small files and on a large one."""

import hashlib
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import time

SMALL_FILES = 50_000
LARGE_SIZE = 2 << 30
MEMORY = 64 << 20


def small_tree(directory):
    """50,000 files of text, 200 to 9,000 bytes, a hundred in a directory."""
    chance = random.Random(7)
    words = [chance.randbytes(3).hex() for _ in range(3000)]
    for number in range(SMALL_FILES // 100):
        folder = directory / f"d{number // 25}/e{number}"
        folder.mkdir(parents=True)
        for file in range(100):
            size = chance.choice([200, 800, 2000, 4000, 9000])
            (folder / f"f{file}").write_text(" ".join(chance.choices(words, k=size // 7)))


def large_tree(directory):
    """One file of 2 GB, a tenth of it noise."""
    chance = random.Random(3)
    words = [chance.randbytes(4).hex() for _ in range(5000)]
    block = " ".join(chance.choices(words, k=200_000)).encode()
    directory.mkdir()
    with open(directory / "file", "wb") as file:
        while file.tell() < LARGE_SIZE:
            start = chance.randrange(len(block) // 2)
            file.write(block[start : start + 900_000] + chance.randbytes(100_000))


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
    """Seconds, and the peak of memory that one of the processes has had."""
    start = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: {error.decode()}")
    return seconds, usage.ru_maxrss << 10


def measure(vfs_run, scratch, rounds):
    """Prints the table; answers what was measured and whether the targets are reached."""
    result = {}
    reached = True
    for tree, make in [("small", small_tree), ("large", large_tree)]:
        source = scratch / tree
        make(source)
        tar = scratch / f"{tree}.tar"
        subprocess.run(["tar", "-C", source, "--numeric-owner", "-cf", tar, "."], check=True)
        shutil.rmtree(source)
        for kind, program, option in [
            ("none", None, []),
            ("gzip", ["gzip", "-k", "-1"], ["-z"]),
            ("zstd", ["zstd", "-q", "-k", "-1"], ["--zstd"]),
        ]:
            layer = tar
            if program:
                subprocess.run([*program, tar], check=True)
                layer = tar.with_name(tar.name + {"gzip": ".gz", "zstd": ".zst"}[kind])
            image = scratch / f"{tree}-{kind}"
            layout(image, tar, layer, kind)
            target = scratch / "target"
            ways = {
                "vfs-run": lambda: run([vfs_run, "unpack", "--no-sync", f"oci:{image}:t", target]),
                "tar": lambda: (
                    target.mkdir(),
                    run(["tar", "-C", target, *option, "-xpf", layer]),
                )[1],
            }
            if kind == "gzip":  # umoci 0.4.7 takes no other
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
            medians = {name: statistics.median(found) for name, found in times.items()}
            ratio = medians["vfs-run"] / medians["tar"]
            ok = ratio <= 1.3 and peak <= MEMORY
            line = (
                f"{tree:6} {kind:5} vfs-run {medians['vfs-run']:6.2f} s  "
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
            if program:
                layer.unlink()
        tar.unlink()
    return result, reached
