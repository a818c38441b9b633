"""Jobs of `vfs-run batch`, for bench/run --batch: /bin/true with all isolation, limits of memory and processes and a
report, beside loops of two at once of crun, bubblewrap, our one-shot form and the system calls of a start in C.
"""

import concurrent.futures
import json
import os
import shutil
import statistics
import subprocess
import time

AT_ONCE = 2
MANY = 10_000
LIMITS = ["-m", "256m", "--pids-limit", "64"]


class Batches:
    def __init__(self, scratch, vfs_run, base, plain, floor):
        self.scratch, self.vfs_run, self.base = scratch, vfs_run, base
        self.work = scratch / "batch"
        self.work.mkdir()
        self.config = self.work / "config.json"
        config = json.loads(json.dumps(plain))
        config["linux"]["resources"] = {
            "memory": {"limit": 256 << 20, "swap": 256 << 20}, "pids": {"limit": 64}}
        self.config.write_text(json.dumps(config))
        self.floor = floor

    def batch(self, *options):
        return [
            self.vfs_run, "batch", "-j", str(AT_ONCE), *LIMITS, "--base", self.base, "-w", "/tmp",
            *options]

    def jobs(self, count, *options):
        """Jobs a second."""
        lines = "".join(f'{{"id":"{n}","args":["/bin/true"]}}\n' for n in range(count))
        before = time.monotonic()
        said = subprocess.run(
            self.batch(*options), input=lines, stdout=subprocess.PIPE, text=True, check=True)
        took = time.monotonic() - before
        answers = [json.loads(line) for line in said.stdout.splitlines()]
        if len(answers) != count or any(a["report"]["status"] != "OK" for a in answers):
            raise RuntimeError("a job of the batch has failed")
        return count / took

    def loop(self, count, command):
        """Runs a second, AT_ONCE at a time; each has a number in the place of {}."""
        def one(number):
            subprocess.run(
                [str(word).replace("{}", str(number)) for word in command], check=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        before = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(one, range(count)):
                pass
        return count / (time.monotonic() - before)

    def ways(self, count):
        found = {
            "batch": lambda: self.jobs(count * 4),
            "batch, a network for each job": lambda: self.jobs(count * 4, "--network", "lo"),
            "one-shot": lambda: self.loop(
                count, [self.vfs_run, "sandbox", "--quiet", *LIMITS, "--base", self.base, "-w", "/tmp",
                        "--report", self.work / "report-{}", "--", "/bin/true"]),
            "floor": lambda: self.loop(count, self.floor),
        }
        if crun := shutil.which("crun"):
            found["crun"] = lambda: self.loop(
                count, [crun, "--root", self.work / "crun", "--cgroup-manager=cgroupfs", "run",
                        "--bundle", self.work, "bench-{}"])
        if bwrap := shutil.which("bwrap"):
            found["bubblewrap"] = lambda: self.loop(
                count, [bwrap, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session",
                        "--cap-drop", "ALL", "--ro-bind", self.base, "/", "--proc", "/proc", "--dev",
                        "/dev", "--tmpfs", "/tmp", "/bin/true"])
        return found

    def measure(self, rounds):
        """Runs a second of each way, in turn."""
        count = 100
        rates = {}
        for index in range(rounds):
            ways = list(self.ways(count).items())
            for name, way in ways[:: 1 if index % 2 else -1]:
                rates.setdefault(name, []).append(way())
        return rates

    def latency(self):
        """Milliseconds from a line to its answer, one at a time, and the memory of the batch in KiB
        after a tenth of the jobs and after all."""
        batch = subprocess.Popen(
            [self.vfs_run, "batch", "-j", "1", *LIMITS, "--base", self.base, "-w", "/tmp"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        times, memory = [], []
        for number in range(MANY):
            before = time.monotonic_ns()
            batch.stdin.write(b'{"args":["/bin/true"]}\n')
            batch.stdin.flush()
            batch.stdout.readline()
            times.append((time.monotonic_ns() - before) / 1e6)
            if number in (MANY // 10, MANY - 1):
                memory.append(resident(batch.pid))
        batch.stdin.close()
        if batch.wait() != 0:
            raise RuntimeError("the batch has failed")
        return sorted(times[100:]), memory


def resident(pid):
    """KiB of a process and its children."""
    total = 0
    for entry in os.listdir("/proc"):
        try:
            status = dict(
                line.split(":", 1) for line in open(f"/proc/{entry}/status") if ":" in line)
        except (OSError, ValueError):
            continue
        if entry == str(pid) or status["PPid"].strip() == str(pid):
            total += int(status.get("VmRSS", "0 kB").split()[0])
    return total


def tell(rates, times, memory, targets):
    for name, found in sorted(rates.items(), key=lambda one: -statistics.median(one[1])):
        print(f"  {name:32} {statistics.median(found):8.0f}/s  from {min(found):.0f} to {max(found):.0f}")
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"\n  a line to its answer: median {middle:.2f} ms, p99 {late:.2f} ms; memory {memory[0]} KiB"
          f" after {MANY // 10} jobs, {memory[1]} KiB after {MANY}")
    rate = {name: statistics.median(found) for name, found in rates.items()}
    ours, fresh = rate["batch"], rate["batch, a network for each job"]
    if "crun" in rate:
        targets.at_most("a batch's time for a job over crun's", rate["crun"] / ours, 0.1)
        targets.at_most("the same with a network for each job", rate["crun"] / fresh, 0.25)
    if "bubblewrap" in rate:
        targets.at_most("over bubblewrap's", rate["bubblewrap"] / ours, 0.333)
    targets.at_most("over the one-shot form's", rate["one-shot"] / ours, 0.333)
    targets.at_most("over the system calls of a start in C", rate["floor"] / ours, 1.3)
    targets.at_most("a line to its answer, median", middle, 1.5, " ms")
    targets.at_most("its p99 over its median", late / middle, 4)
    targets.at_most("memory after ten times the jobs", memory[1] / memory[0], 1.05)
