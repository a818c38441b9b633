/// The arguments of system calls that filters refuse as a rule: how many there are, and what they
/// mean.
public enum CallArguments {
    public enum Kind: Sendable {
        case number
        /// A pointer, or a set of flags.
        case hexadecimal
        /// A pointer to a string that ends with a zero.
        case text
        case family, namespaces
        /// A descriptor, or the working directory.
        case directory
    }

    /// Nil for a call that is not in the table: all six are printed.
    public static func kinds(of call: String) -> [Kind]? { table[call] }

    /// The name of a constant, as it may be typed for an argument: `AF_NETLINK`.
    public static func value(_ word: String) -> UInt64? {
        if let family = families.firstIndex(of: word) { return UInt64(family) }
        if let flag = namespaces.first(where: { $0.name == word }) { return flag.bit }
        if word.hasPrefix("0x") { return UInt64(word.dropFirst(2), radix: 16) }
        if word.hasPrefix("-"), let number = Int64(word) { return UInt64(bitPattern: number) }
        return UInt64(word)
    }

    /// A value without what it points to.
    public static func words(_ value: UInt64, _ kind: Kind) -> String {
        switch kind {
        case .number:
            let number = Int64(bitPattern: value)
            // Negative ones are small as a rule.
            return number < 0 && number > -4096 ? "\(number)" : "\(value)"
        case .hexadecimal, .text: return value == 0 ? "0" : "0x" + String(value, radix: 16)
        case .directory:
            let number = Int32(truncatingIfNeeded: value)
            return number == -100 ? "AT_FDCWD" : "\(number)"
        case .family:
            return value < families.count ? families[Int(value)] : "\(value)"
        case .namespaces:
            var names = namespaces.filter { value & $0.bit != 0 }.map(\.name)
            let rest = value & ~namespaces.reduce(0) { $0 | $1.bit }
            if rest != 0 || names.isEmpty { names.append("0x" + String(rest, radix: 16)) }
            return names.joined(separator: "|")
        }
    }

    private static let families = [
        "AF_UNSPEC", "AF_UNIX", "AF_INET", "AF_AX25", "AF_IPX", "AF_APPLETALK", "AF_NETROM",
        "AF_BRIDGE", "AF_ATMPVC", "AF_X25", "AF_INET6", "AF_ROSE", "AF_DECnet", "AF_NETBEUI",
        "AF_SECURITY", "AF_KEY", "AF_NETLINK", "AF_PACKET", "AF_ASH", "AF_ECONET", "AF_ATMSVC",
        "AF_RDS", "AF_SNA", "AF_IRDA", "AF_PPPOX", "AF_WANPIPE", "AF_LLC", "AF_IB", "AF_MPLS",
        "AF_CAN", "AF_TIPC", "AF_BLUETOOTH", "AF_IUCV", "AF_RXRPC", "AF_ISDN", "AF_PHONET",
        "AF_IEEE802154", "AF_CAIF", "AF_ALG", "AF_NFC", "AF_VSOCK", "AF_KCM", "AF_QIPCRTR",
        "AF_SMC", "AF_XDP", "AF_MCTP",
    ]

    private static let namespaces: [(name: String, bit: UInt64)] = [
        ("CLONE_NEWTIME", 0x80), ("CLONE_NEWNS", 0x2_0000), ("CLONE_NEWCGROUP", 0x200_0000),
        ("CLONE_NEWUTS", 0x400_0000), ("CLONE_NEWIPC", 0x800_0000),
        ("CLONE_NEWUSER", 0x1000_0000), ("CLONE_NEWPID", 0x2000_0000),
        ("CLONE_NEWNET", 0x4000_0000),
    ]

    private static let table: [String: [Kind]] = [
        "acct": [.text], "adjtimex": [.hexadecimal], "bpf": [.number, .hexadecimal, .number],
        "chdir": [.text], "chmod": [.text, .hexadecimal], "chown": [.text, .number, .number],
        "chroot": [.text], "clock_settime": [.number, .hexadecimal],
        "clone": [.namespaces, .hexadecimal, .hexadecimal, .hexadecimal, .hexadecimal],
        "clone3": [.hexadecimal, .number], "creat": [.text, .hexadecimal],
        "delete_module": [.text, .hexadecimal], "execve": [.text, .hexadecimal, .hexadecimal],
        "execveat": [.directory, .text, .hexadecimal, .hexadecimal, .hexadecimal],
        "fanotify_init": [.hexadecimal, .hexadecimal],
        "fchmodat": [.directory, .text, .hexadecimal],
        "fchownat": [.directory, .text, .number, .number, .hexadecimal],
        "finit_module": [.number, .text, .hexadecimal],
        "fsconfig": [.number, .number, .text, .hexadecimal, .number],
        "fsmount": [.number, .hexadecimal, .hexadecimal], "fsopen": [.text, .hexadecimal],
        "get_mempolicy": [.hexadecimal, .hexadecimal, .number, .hexadecimal, .hexadecimal],
        "init_module": [.hexadecimal, .number, .text],
        "io_uring_setup": [.number, .hexadecimal], "ioperm": [.number, .number, .number],
        "iopl": [.number], "kcmp": [.number, .number, .number, .number, .number],
        "keyctl": [.number, .hexadecimal, .hexadecimal, .hexadecimal, .hexadecimal],
        "kill": [.number, .number], "link": [.text, .text],
        "linkat": [.directory, .text, .directory, .text, .hexadecimal],
        "mkdir": [.text, .hexadecimal], "mkdirat": [.directory, .text, .hexadecimal],
        "mknod": [.text, .hexadecimal, .hexadecimal],
        "mknodat": [.directory, .text, .hexadecimal, .hexadecimal],
        "mount": [.text, .text, .text, .hexadecimal, .hexadecimal],
        "move_mount": [.directory, .text, .directory, .text, .hexadecimal],
        "name_to_handle_at": [.directory, .text, .hexadecimal, .hexadecimal, .hexadecimal],
        "open": [.text, .hexadecimal, .hexadecimal],
        "open_by_handle_at": [.directory, .hexadecimal, .hexadecimal],
        "open_tree": [.directory, .text, .hexadecimal],
        "openat": [.directory, .text, .hexadecimal, .hexadecimal],
        "perf_event_open": [.hexadecimal, .number, .number, .number, .hexadecimal],
        "personality": [.hexadecimal], "pivot_root": [.text, .text],
        "process_vm_readv": [.number, .hexadecimal, .number, .hexadecimal, .number, .number],
        "ptrace": [.number, .number, .hexadecimal, .hexadecimal],
        "quotactl": [.hexadecimal, .text, .number, .hexadecimal],
        "reboot":
            [.hexadecimal, .hexadecimal, .hexadecimal, .hexadecimal],
        "request_key": [.text, .text, .text, .number], "rename": [.text, .text],
        "rmdir": [.text], "setdomainname": [.text, .number], "sethostname": [.text, .number],
        "setns": [.number, .namespaces], "settimeofday": [.hexadecimal, .hexadecimal],
        "socket": [.family, .hexadecimal, .number],
        "socketpair": [.family, .hexadecimal, .number, .hexadecimal],
        "swapoff": [.text], "swapon": [.text, .hexadecimal], "symlink": [.text, .text],
        "syslog": [.number, .hexadecimal, .number], "umount2": [.text, .hexadecimal],
        "unlink": [.text], "unlinkat": [.directory, .text, .hexadecimal],
        "unshare": [.namespaces], "userfaultfd": [.hexadecimal],
        "vhangup": [], "add_key": [.text, .text, .hexadecimal, .number, .number],
    ]
}
