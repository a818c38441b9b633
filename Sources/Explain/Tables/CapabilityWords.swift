/// Capabilities in words (capabilities(7)).
enum CapabilityWords {
    /// How much of the host a capability gives where the user namespace is that of the host.
    enum Weight: Sendable {
        /// Part of what engines give by default.
        case usual
        /// A right over the host that a container seldom needs.
        case surprising
        /// With it alone a program can take over the host.
        case host
    }

    struct Row: Sendable {
        var name: String
        var weight: Weight
        /// What it allows.
        var allows: String

        init(_ name: String, _ weight: Weight, _ allows: String) {
            self.name = "CAP_" + name
            self.weight = weight
            self.allows = allows
        }
    }

    struct Program: Sendable {
        var name: String
        var wants: [String]
        var reason: String

        init(_ name: String, _ wants: [String], _ reason: String) {
            self.name = name
            self.wants = wants.map { "CAP_" + $0 }
            self.reason = reason
        }
    }

    static func row(_ name: String) -> Row? { rows.first { $0.name == name } }

    static let rows: [Row] = [
        Row("CHOWN", .usual, "gives files to any user"),
        Row("DAC_OVERRIDE", .usual, "reads and writes files whatever their mode"),
        Row("DAC_READ_SEARCH", .host, "opens any file of a file system by its handle"),
        Row("FOWNER", .usual, "acts on files as if it owned them"),
        Row("FSETID", .usual, "keeps set-user-ID bits of files that it changes"),
        Row("KILL", .usual, "sends signals to processes of any user"),
        Row("SETGID", .usual, "takes any group"),
        Row("SETUID", .usual, "takes any user"),
        Row("SETPCAP", .usual, "drops capabilities from its bounding set"),
        Row("LINUX_IMMUTABLE", .surprising, "changes the immutable and append-only flags of files"),
        Row("NET_BIND_SERVICE", .usual, "listens on ports below 1024"),
        Row("NET_BROADCAST", .usual, "nothing; the kernel does not use it"),
        Row("NET_ADMIN", .surprising, "configures interfaces, routes and packet filters"),
        Row("NET_RAW", .usual, "makes raw and packet sockets: forges and listens to packets"),
        Row("IPC_LOCK", .surprising, "locks memory without a limit"),
        Row("IPC_OWNER", .surprising, "reads and writes System V IPC of any user"),
        Row("SYS_MODULE", .host, "loads modules into the kernel"),
        Row("SYS_RAWIO", .host, "reads and writes ports and the memory of the machine"),
        Row("SYS_CHROOT", .usual, "changes its root directory, and joins mount namespaces"),
        Row("SYS_PTRACE", .surprising, "reads and changes processes of any user"),
        Row("SYS_PACCT", .surprising, "switches the accounting of processes"),
        Row("SYS_ADMIN", .host, "mounts file systems, joins namespaces, and much more"),
        Row("SYS_BOOT", .surprising, "restarts the machine, and loads another kernel"),
        Row("SYS_NICE", .surprising, "takes priority over processes of others"),
        Row("SYS_RESOURCE", .surprising, "exceeds limits and quotas"),
        Row("SYS_TIME", .surprising, "sets the clock of the machine"),
        Row("SYS_TTY_CONFIG", .surprising, "configures virtual terminals"),
        Row("MKNOD", .usual, "makes device nodes; a device filter decides whether they open"),
        Row("LEASE", .surprising, "takes leases on files of any user"),
        Row("AUDIT_WRITE", .usual, "writes records to the audit log"),
        Row("AUDIT_CONTROL", .surprising, "configures the audit of the kernel"),
        Row("SETFCAP", .usual, "gives capabilities to files"),
        Row("MAC_OVERRIDE", .surprising, "overrides Smack"),
        Row("MAC_ADMIN", .surprising, "configures Smack"),
        Row("SYSLOG", .surprising, "reads the log of the kernel, with its addresses"),
        Row("WAKE_ALARM", .surprising, "wakes the machine"),
        Row("BLOCK_SUSPEND", .surprising, "keeps the machine from suspending"),
        Row("AUDIT_READ", .surprising, "reads the audit log"),
        Row("PERFMON", .surprising, "observes the whole machine by performance events"),
        Row("BPF", .surprising, "loads programs into the kernel"),
        Row("CHECKPOINT_RESTORE", .surprising, "takes the pids of ended processes"),
    ]

    /// What people miss first.
    static let programs: [Program] = [
        Program("chown, chgrp", ["CHOWN"], "to give a file to another user"),
        Program("su, sudo, setpriv", ["SETUID", "SETGID"], "to become another user"),
        Program(
            "apt-get, dpkg", ["CHOWN", "FOWNER", "DAC_OVERRIDE", "SETUID", "SETGID"],
            "it becomes _apt to download, and unpacks files of many owners"),
        Program(
            "ping", ["NET_RAW"],
            "for a raw socket; without one where net.ipv4.ping_group_range has the group"),
        Program("tcpdump", ["NET_RAW"], "for packet sockets"),
        Program("ip, iptables", ["NET_ADMIN"], "to configure interfaces and filters"),
        Program("ports below 1024", ["NET_BIND_SERVICE"], "for a server"),
        Program("mount, umount", ["SYS_ADMIN"], "to change mounts"),
        Program("mknod", ["MKNOD"], "to make device nodes"),
        Program("chroot", ["SYS_CHROOT"], "to change the root directory"),
        Program("kill", ["KILL"], "for processes of other users"),
        Program("cat, cp", ["DAC_OVERRIDE"], "for files whose mode forbids it"),
        Program("strace -p", ["SYS_PTRACE"], "for processes of other users"),
        Program("date -s", ["SYS_TIME"], "to set the clock"),
        Program("nice -n -5", ["SYS_NICE"], "to raise a priority"),
    ]
}
