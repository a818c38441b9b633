#!/usr/bin/env python3
"""Compares what `vfs-run explain` says of a container with what its engine says.

agreement.py docker|podman NAME VFS_RUN

Prints "agrees", or the differences.
"""
import json
import subprocess
import sys

engine, name, program = sys.argv[1:]


def output(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


inspected = json.loads(output(engine, "inspect", name))[0]
host = inspected["HostConfig"]
pid = inspected["State"]["Pid"]
facts = json.loads(output(program, "explain", "--json", str(pid)))
differences = []


def same(what, told, known):
    if told != known:
        differences.append(f"{what}: explain {told}, {engine} {known}")


own = {fact["kind"]: fact["own"] for fact in facts["namespaces"]}
for kind, mode in ("network", "NetworkMode"), ("pid", "PidMode"), ("ipc", "IpcMode"):
    same(f"the {kind} namespace", own[kind], host.get(mode) != "host")
same("the mount namespace", own["mount"], True)

mounts = {mount["point"]: mount for mount in facts["mounts"]}
same("the root's mount", mounts["/"]["readOnly"], host["ReadonlyRootfs"])
for mount in inspected["Mounts"]:
    place = mount["Destination"]
    same(f"a mount on {place}", place in mounts, True)
    if place in mounts:
        same(f"{place} read-only", mounts[place]["readOnly"], not mount["RW"])

limits = {}
for limit in facts["limits"]:
    limits[limit["name"]] = min(limit["limit"], limits.get(limit["name"], limit["limit"]))
for kind, key in ("memory", "Memory"), ("pids", "PidsLimit"):
    if (host.get(key) or 0) > 0:
        same(f"the limit of {kind}", limits.get(kind), host[key])

effective = set(facts["capabilities"]["effective"])
if inspected.get("EffectiveCaps") is not None:
    same("capabilities", sorted(effective), sorted(inspected["EffectiveCaps"]))
for key, isThere in ("CapAdd", True), ("CapDrop", False):
    for capability in host.get(key) or []:
        word = capability if capability.startswith("CAP_") else "CAP_" + capability
        same(word, word in effective, isThere)

# And with procfs.
status = dict(
    line.rstrip("\n").split(":\t", 1) for line in open(f"/proc/{pid}/status") if ":\t" in line
)
same("how many capabilities", len(effective), bin(int(status["CapEff"], 16)).count("1"))
same("no_new_privs", facts["security"]["noNewPrivileges"], status["NoNewPrivs"] == "1")
same("seccomp", facts["seccomp"]["mode"], ["none", "strict", "filter"][int(status["Seccomp"])])
if facts["seccomp"]["mode"] == "filter" and facts["seccomp"]["calls"]:
    same("read(2)", facts["seccomp"]["calls"]["read"], "allow")
print("\n".join(differences) or "agrees")
