import Testing

@testable import ContainerRuntime

@Suite struct `Checks of mounts` {
    static let table: [CheckRow] = [
        CheckRow(
            "mounts", #"null"#),
        CheckRow(
            "mounts", #"{}"#,
            """
            config.json:6:11: mounts: an object is not an array
            """),
        CheckRow(
            "mounts", #"[]"#),
        CheckRow(
            "mounts", #"["/x"]"#,
            """
            config.json:6:12: mounts[0]: "/x" is not an object
            """),
        CheckRow(
            "mounts",
            #"""
            [{"destination": ""},
             {"destination": "tmp", "type": "tmpfs"},
             {"type": "tmpfs"},
             {"destination": "/b", "options": ["bind"]},
             {"destination": "/c"},
             {"destination": "/d", "type": "none"}]
            """#,
            """
            config.json:6:12: mounts[0]: needs a type ("tmpfs", "proc" …) or the option \
            "bind"
            config.json:6:28: mounts[0].destination: is empty; name a path in the \
            container
            config.json:7:18: warning: mounts[1].destination: "tmp" is relative; write \
            "/tmp"
            config.json:8:2: mounts[2].destination: is required and missing
            config.json:9:2: mounts[3]: a bind mount needs a source; name the file or \
            directory of the host
            config.json:10:2: mounts[4]: needs a type ("tmpfs", "proc" …) or the option \
            "bind"
            config.json:11:2: mounts[5]: needs a type ("tmpfs", "proc" …) or the option \
            "bind"
            """),
        CheckRow(
            "mounts",
            #"""
            [{"destination": "/a", "type": "tmpfs",
             "options": ["idmap"], "uidMappings": [{}]},
             {"destination": "/b", "type": "proc", "options": ["tmpcopyup", 1]}]
            """#,
            """
            config.json:6:12: mounts[0]: only a bind mount can map ids; remove the mappings
            config.json:6:12: mounts[0]: idmap without uidMappings and gidMappings uses those of \
            the user namespace, but the container has none; add mappings to the mount
            config.json:7:40: mounts[0].uidMappings[0].containerID: is required and missing
            config.json:7:40: mounts[0].uidMappings[0].hostID: is required and missing
            config.json:7:40: mounts[0].uidMappings[0].size: is required and missing
            config.json:8:52: mounts[1].options[0]: tmpcopyup needs a mount of type "tmpfs"; \
            remove it
            config.json:8:65: mounts[1].options[1]: 1 is not a string
            """),
        CheckRow(
            "mounts",
            #"""
            [{"destination": "/proc", "type": "tmpfs"},
             {"destination": "/proc", "type": "proc", "source": "/x", "options": ["bind"]},
             {"destination": "/x/../proc/self", "type": "tmpfs"}]
            """#,
            """
            config.json:6:12: mounts[0]: /proc must be a mount of type "proc", or a bind mount \
            of one; any other file system could imitate the kernel
            config.json:8:18: mounts[2].destination: mounts below /proc are limited to cpuinfo, \
            diskstats, meminfo, stat, swaps, uptime, loadavg, slabinfo, net/dev, \
            sys/kernel/ns_last_pid, sys/crypto/fips_enabled
            """),
        CheckRow(
            "mounts",
            #"""
            [{"destination": "/proc", "type": "proc"},
             {"destination": "/proc/meminfo", "type": "bind", "source": "x"},
             {"destination": "/proc", "options": ["remount", "ro"]}]
            """#),
    ]

    @Test(arguments: table)
    func `everything wrong is reported at once, where it stands`(_ row: CheckRow) throws {
        #expect(try row.found == row.expected)
    }
}
