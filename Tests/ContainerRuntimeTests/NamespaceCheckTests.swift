import Testing

@testable import ContainerRuntime

@Suite struct `Checks of namespaces and kernel parameters` {
    static let table: [CheckRow] = [
        CheckRow(
            "linux", nil,
            """
            config.json:1:1: linux.namespaces: has no entry {"type": "mount"}; without \
            its own mounts a container would change the host's
            """),
        CheckRow(
            "linux", #"{}"#,
            """
            config.json:5:10: linux.namespaces: has no entry {"type": "mount"}; without \
            its own mounts a container would change the host's
            """),
        CheckRow(
            "linux", #"[]"#,
            """
            config.json:5:10: linux: an array is not an object
            """),
        CheckRow(
            "linux", #"{"namespaces": {}}"#,
            """
            config.json:5:25: linux.namespaces: an object is not an array
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [
             {"type": "mount"}, {"type": "mount"},
             {"type": "user"}, {"type": "time"},
             {"type": "pdi"}, {"type": ""}, {},
             {"type": "uts", "path": "ns"}]}
            """#,
            """
            config.json:6:30: linux.namespaces[1].type: the mount namespace stands twice
            config.json:7:11: linux.namespaces[2].type: user namespaces are not supported \
            yet; remove it
            config.json:7:29: linux.namespaces[3].type: time namespaces are not supported \
            yet; remove it
            config.json:8:11: linux.namespaces[4].type: "pdi" is not known; did you mean \
            "pid"? allowed are pid, network, mount, ipc, uts, user, cgroup, time
            config.json:8:28: linux.namespaces[5].type: "" is not known; allowed are pid, \
            network, mount, ipc, uts, user, cgroup, time
            config.json:8:33: linux.namespaces[6].type: is required and missing
            config.json:9:26: linux.namespaces[7].path: "ns" is not an absolute path
            """),
        CheckRow(
            "linux", #"{"namespaces": [{"type": "mount", "path": "/proc/1/ns/mnt"}]}"#,
            """
            config.json:5:52: linux.namespaces[0].path: a mount namespace cannot be \
            joined: pivot_root would change the root of everybody in it; leave the path \
            out for a new one
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "network", "path": ""},
             {"type": "ipc", "path": "/x"}],
             "maskedPaths": []}
            """#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "sysctl": {
             "net.ipv4.ip_forward": "1", "vm.swappiness": "1", "kernel.hostname": "a",
             "kernel..x": "1", "kernel.msgmax": 1, "fs.mqueue.x": "1"}}
            """#,
            """
            config.json:7:2: linux.sysctl["net.ipv4.ip_forward"]: net.ipv4.ip_forward \
            needs an entry {"type": "network"} in linux.namespaces; without it the host \
            would be changed
            config.json:7:30: linux.sysctl["vm.swappiness"]: vm.swappiness belongs to no \
            namespace: it would change the host
            config.json:7:52: linux.sysctl["kernel.hostname"]: kernel.hostname needs an \
            entry {"type": "uts"} in linux.namespaces; without it the host would be \
            changed
            config.json:8:2: linux.sysctl["kernel..x"]: "kernel..x" is not a sysctl's name
            config.json:8:37: linux.sysctl["kernel.msgmax"]: 1 is not a string
            config.json:8:40: linux.sysctl["fs.mqueue.x"]: fs.mqueue.x needs an entry \
            {"type": "ipc"} in linux.namespaces; without it the host would be changed
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "network"}],
             "sysctl": {"net.ipv4.ip_forward": "1"}}
            """#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "rootfsPropagation": "sharedd"}
            """#,
            """
            config.json:6:23: linux.rootfsPropagation: "sharedd" is not known; did you \
            mean "shared"? allowed are shared, slave, private, unbindable, rshared, \
            rslave, rprivate, runbindable
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "rootfsPropagation": "rshared"}
            """#),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
