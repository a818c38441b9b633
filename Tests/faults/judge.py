"""Compares the result of a run with the result without a fault."""

import errno
import fnmatch
import json
import os
import re

import world

# The lines of /proc/self/status that confine.
STATUS = re.compile(
    r"^(Umask|Uid|Gid|Groups|Sig(Blk|Ign|Cgt)|Cap\w+|NoNewPrivs|Seccomp\w*|Speculation\w*"
    r"|Cpus_allowed|Mems_allowed|NSpid|TracerPid):")


def facts(output):
    """The probe's report without values that differ between runs: None without a report, "partial"
    for an incomplete one."""
    if output == "":
        return None
    try:
        report = json.loads(output)
    except ValueError:
        return "partial"
    host = world.namespaces()
    report["namespaces"] = {
        kind: "the host's" if name == host[kind] else "its own"
        for kind, name in report["namespaces"].items()}
    report["mountinfo"] = [mount(line) for line in report["mountinfo"].splitlines()]
    tried = report["tried"]
    if tried["keyring:"]["ok"]:
        same = tried["keyring:"]["value"] == world.session_keyring()
        tried["keyring:"]["value"] = "the host's" if same else "its own"
    status = tried["read:/proc/self/status"]
    if status["ok"]:
        lines = status["value"].splitlines()
        status["value"] = [line for line in lines if STATUS.match(line)]
    return timeless(report)


def mount(line):
    words = line.split()
    dash = words.index("-")
    tags = [re.sub(r"\d+", "N", word) for word in words[6:dash]]
    # An overlay that is attached nowhere while it is made has its layers below mounts of their own, and
    # the kernel prints them as /; where that fails, a process in a mount namespace makes it of the same
    # directories. That they are the same is seen in the files. And one that cannot be made is tried
    # without uuid=on, as kernels before 6.6 need it.
    rest = [
        re.sub(r"(lowerdir\+|upperdir|workdir)=[^,]*", r"\1=", word).replace(",uuid=on", "")
        for word in words[dash:]]
    return " ".join(words[3:6] + tags + rest)


def timeless(value):
    if isinstance(value, dict):
        return {
            key: timeless(part) for key, part in value.items()
            if key not in ("mtime", "blocks", "nlink")}
    if isinstance(value, list):
        return [timeless(part) for part in value]
    return world.without_numbers(value) if isinstance(value, str) else value


def differences(one, other, path=""):
    """Descriptions of the differences between two values."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = []
        for key in sorted(set(one) | set(other)):
            found += differences(one.get(key), other.get(key), f"{path}/{key}")
        return found
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        found = []
        for index, (left, right) in enumerate(zip(one, other)):
            found += differences(left, right, f"{path}/{index}")
        return found
    return [] if one == other else [f"{path}: {one!r} became {other!r}"[:300]]


class Result:
    """The facts of a run."""

    def __init__(self):
        self.fault = None  # the process, the number and the name of the call
        self.ending = None  # ("exit", code), ("signal", number) or ("timeout", 0)
        self.crashes = []
        self.hangs = []
        self.error = ""
        self.report = None
        self.observed = None
        self.kept = None
        self.follow = []  # errors of later commands
        self.left = []  # remains at the end
        self.calls = []
        self.programs = {}


# A message names the call, the error, or the step.
def names_cause(error, call, fault):
    words = os.strerror(getattr(errno, fault)).lower()
    text = error.lower()
    return call.rstrip("0123456789") in text or words in text or "step" in text


def verdicts(result, baseline, fault):
    """For each deviation its verdict and a description."""
    found = []
    killed = fault == "KILL"
    for where in result.hangs:
        found.append(("hang", where))
    for what in result.crashes:
        found.append(("crash", what))
    # A program that is killed while it reports must have an error.
    if result.report == "partial":
        if result.ending == ("exit", 0):
            found.append(("partial", "the program's report is incomplete"))
    elif result.report is not None:
        if differing := differences(baseline.report, result.report):
            found.append(("differs", "; ".join(differing[:4])))
    ended = result.ending
    if ended == ("exit", 0):
        if baseline.report is not None and result.report is None and not result.follow:
            found.append(("silent", "exit code 0, and the program did not run"))
        if differing := differences(baseline.observed, result.observed):
            found.append(("result", "; ".join(differing[:4])))
    elif ended[0] == "exit" and ended != baseline.ending:
        if not result.error.startswith("vfs-run: ") and "level=error" not in result.error:
            found.append(("unsaid", f"{ended}: {result.error.strip()[:200]!r}"))
        elif not killed and not names_cause(result.error, result.fault[2], fault):
            found.append(("unclear", result.error.strip()[:300]))
    elif ended[0] == "signal" and not (killed and result.fault[0] == "runtime"):
        found.append(("signal", str(ended[1])))
    if differing := differences(baseline.kept, result.kept):
        found.append(("kept", "; ".join(differing)))
    found += [("follow", sentence) for sentence in result.follow]
    # A file that cannot be removed must be named in the message.
    told = result.fault[2] in ("rmdir", "unlink", "unlinkat") and result.error != ""
    for sentence in result.left:
        kind = sentence.split()[0].rstrip(":")
        found.append((f"{'told' if told else 'left'}-{kind}", sentence))
    return found


class Exceptions:
    """Permitted deviations and known defects, each with its reason."""

    def __init__(self, path):
        self.rows = []
        for line in path.read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            words = line.split(None, 5)
            if len(words) != 6:
                raise ValueError(f"{path}: not six columns: {line}")
            self.rows.append((words[:5], words[5]))
        self.used = [0] * len(self.rows)

    def explain(self, *facts):
        """Whether a row matches (scenario, process, call, fault, verdict)."""
        explained = False
        for index, (patterns, _) in enumerate(self.rows):
            if all(matches(fact, pattern) for fact, pattern in zip(facts, patterns)):
                self.used[index] += 1
                explained = True
        return explained


def matches(fact, pattern):
    return any(fnmatch.fnmatchcase(fact, part) for part in pattern.split(","))
