import LinuxSystem
import OCISpec
import Testing

@testable import ContainerRuntime

@Suite struct `Checks of namespaces and kernel parameters` {
    static let table: [CheckRow] = [
        CheckRow(
            "linux", nil,
            """
            config.json:1:1: linux.namespaces: has no entry {"type": "mount"}; without a mount \
            namespace a container would change the mounts of the host: then "run" and "create" take \
            a root.path of "/" alone, and no mounts
            """),
        CheckRow(
            "linux", #"{}"#,
            """
            config.json:5:10: linux.namespaces: has no entry {"type": "mount"}; without a mount \
            namespace a container would change the mounts of the host: then "run" and "create" take \
            a root.path of "/" alone, and no mounts
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
            config.json:6:30: linux.namespaces[1].type: a second mount namespace; remove one
            config.json:7:2: linux.namespaces[2]: a new user namespace needs linux.uidMappings \
            and linux.gidMappings, from container ids to host ids
            config.json:8:11: linux.namespaces[4].type: "pdi" is not known; did you mean \
            "pid"? allowed are pid, network, mount, ipc, uts, user, cgroup, time
            config.json:8:28: linux.namespaces[5].type: "" is not known; allowed are pid, \
            network, mount, ipc, uts, user, cgroup, time
            config.json:8:33: linux.namespaces[6].type: is required and missing
            config.json:9:26: linux.namespaces[7].path: "ns" is not an absolute path
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
            config.json:7:2: linux.sysctl["net.ipv4.ip_forward"]: net.ipv4.ip_forward needs an \
            entry {"type": "network"} in linux.namespaces; without it the host would change
            config.json:7:30: linux.sysctl["vm.swappiness"]: vm.swappiness is not in any \
            namespace: it would change the host; remove it
            config.json:7:52: linux.sysctl["kernel.hostname"]: sysctl "kernel.hostname" is not \
            allowed as it conflicts with the OCI "hostname" field; use that one
            config.json:8:2: linux.sysctl["kernel..x"]: "kernel..x" is not the name of a sysctl
            config.json:8:37: linux.sysctl["kernel.msgmax"]: 1 is not a string
            config.json:8:40: linux.sysctl["fs.mqueue.x"]: fs.mqueue.x needs an entry {"type": \
            "ipc"} in linux.namespaces; without it the host would change
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
             "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}], "gidMappings": [{}],
             "sysctl": {"user.max_user_namespaces": "5"}}
            """#,
            """
            config.json:6:18: linux.uidMappings[0]: linux.uidMappings needs a user namespace; \
            add an entry {"type": "user"} to linux.namespaces
            config.json:6:79: linux.gidMappings[0].containerID: is required and missing
            config.json:6:79: linux.gidMappings[0].hostID: is required and missing
            config.json:6:79: linux.gidMappings[0].size: is required and missing
            config.json:7:13: linux.sysctl["user.max_user_namespaces"]: user.max_user_namespaces \
            needs an entry {"type": "user"} in linux.namespaces; without it the host would \
            change
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "user"}],
             "uidMappings": [
              {"containerID": 0, "hostID": 1000, "size": 10},
              {"containerID": 5, "hostID": 5000, "size": 10},
              {"containerID": 20, "hostID": 1009, "size": 1},
              {"containerID": 4294967290, "hostID": 6000, "size": 10},
              {"containerID": 30, "hostID": 7000, "size": 0}],
             "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}
            """#,
            """
            config.json:8:3: linux.uidMappings[1]: these container ids are mapped twice; remove \
            one range
            config.json:9:3: linux.uidMappings[2]: these host ids are mapped twice; remove one range
            config.json:10:19: linux.uidMappings[3].containerID: 10 ids from 4294967290 on exceed \
            the maximum id, 4294967294
            config.json:11:47: linux.uidMappings[4].size: 0 is an empty range; the minimum is 1
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "user"}],
             "uidMappings": [{"containerID": 1, "hostID": 1000, "size": 10}],
             "gidMappings": [{"containerID": 1, "hostID": 1, "size": 1}]}
            """#,
            """
            config.json:3:12: process: the user 0 is not mapped in the user namespace of the \
            container; add it to linux.uidMappings
            config.json:3:12: process: the group 0 is not mapped in the user namespace of the \
            container; add it to linux.gidMappings
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "user"}],
             "uidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}],
             "gidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}]}
            """#),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}],
             "timeOffsets": {"monotonic": {"secs": 1}, "realtime": {"nanosecs": 1000000000}}}
            """#,
            """
            config.json:6:18: linux.timeOffsets.monotonic: needs an entry {"type": "time"} in \
            linux.namespaces; without it the clock is that of the host
            config.json:6:44: linux.timeOffsets.realtime: "realtime" is not a clock of a time \
            namespace; allowed are monotonic, boottime
            config.json:6:44: linux.timeOffsets.realtime: 1000000000 nanoseconds are a second or \
            more; add the seconds to secs
            config.json:6:44: linux.timeOffsets.realtime: needs an entry {"type": "time"} in \
            linux.namespaces; without it the clock is that of the host
            """),
        CheckRow(
            "linux",
            #"""
            {"namespaces": [{"type": "mount"}, {"type": "time"}],
             "timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 1}, "boottime": {}}}
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

    @Test func `every kind has a row in the table of namespaces`() {
        let kinds = Spec.Linux.Namespace.Kind.allCases
        #expect(NamespaceKind.all.count == kinds.count)
        for kind in kinds {
            #expect(NamespaceKind.all.first { $0.name == kind.rawValue }?.flag == kind.set)
        }
    }
}
