extension TrialGroup {
    /// Every trial: the rows of the strict profile, and what SECURITY.md and docs/threat-model.md
    /// promise of a program in a container. Data; a new row is a line.
    public static let all: [TrialGroup] = [
        namespaces, calls, sockets, processes, files, devices, rights, needed,
    ]

    private static let namespaces = TrialGroup(
        title: "Namespaces",
        trials: [
            Trial("clone-user", "make a user namespace (clone)", "clone", "0x10000000"),
            Trial("clone3-user", "make a user namespace (clone3)", "clone3", "0x10000000"),
            Trial("unshare-user", "make a user namespace (unshare)", "unshare", "0x10000000"),
            Trial(
                "max-user-namespaces", "user namespaces that the kernel allows", "number",
                "/proc/sys/user/max_user_namespaces"),
            Trial("unshare-mount", "make a mount namespace", "unshare", "0x20000"),
            Trial("unshare-network", "make a network namespace", "unshare", "0x40000000"),
            Trial("setns", "join a namespace (setns)", "setns"),
        ])

    private static let calls = TrialGroup(
        title: "System calls",
        trials: [
            Trial("io-uring", "io_uring_setup", "io-uring"),
            Trial("bpf", "bpf", "bpf"),
            Trial("perf", "perf_event_open", "perf"),
            Trial("userfaultfd", "userfaultfd", "userfaultfd"),
            Trial("keyctl", "keyctl", "keyctl"),
            Trial("add-key", "add a key to a keyring", "add-key"),
            Trial("request-key", "request a key", "request-key"),
            Trial("handle", "open_by_handle_at", "handle"),
            Trial("module", "load a kernel module", "module"),
            Trial("kexec", "load a kernel (kexec)", "kexec"),
            Trial("reboot", "reboot", "reboot"),
            Trial("swap", "swapon", "swap"),
            Trial("log", "read the kernel's log (syslog)", "log"),
            Trial("secret-memory", "memfd_secret", "secret-memory"),
            Trial(
                "personality", "turn address randomisation off (personality)", "personality",
                "0x40000"),
            Trial("ldt", "modify_ldt", "ldt"),
            Trial("ports", "access to I/O ports (iopl)", "ports"),
            Trial("i386", "a call of the 32-bit interface", "i386"),
            Trial("x32", "a call of the x32 interface", "x32"),
            Trial("unfiltered", "run without a seccomp filter", "unfiltered"),
        ])

    private static let sockets = TrialGroup(
        title: "Sockets and the network",
        trials: [
            Trial("vsock", "an AF_VSOCK socket", "socket", "40 1 0"),
            Trial("alg", "an AF_ALG socket", "socket", "38 5 0"),
            Trial("packet", "an AF_PACKET socket", "socket", "17 3 0"),
            Trial("old-packet", "a packet socket of AF_INET", "socket", "2 10 3"),
            Trial("raw", "a raw socket", "socket", "2 3 1"),
            Trial("xdp", "an AF_XDP socket", "socket", "44 3 0"),
            Trial("can", "an AF_CAN socket", "socket", "29 3 1"),
            Trial("bluetooth", "an AF_BLUETOOTH socket", "socket", "31 3 0"),
            Trial("sctp", "an SCTP socket", "socket", "2 1 132"),
            Trial("netlink-audit", "NETLINK_AUDIT", "socket", "16 3 9"),
            Trial("netlink-netfilter", "NETLINK_NETFILTER", "socket", "16 3 12"),
            Trial("netlink-generic", "NETLINK_GENERIC", "socket", "16 3 16"),
            Trial("netlink-uevent", "NETLINK_KOBJECT_UEVENT", "socket", "16 3 15"),
            Trial("netlink-xfrm", "NETLINK_XFRM", "socket", "16 3 6"),
            Trial(
                "abstract-socket", "connect to an abstract socket of the host", "abstract-socket",
                .host(.socket)),
            Trial("local-port", "connect to a port of the host", "local-port", .host(.port)),
        ])

    private static let processes = TrialGroup(
        title: "Processes",
        trials: [
            Trial("attach", "attach to another process (ptrace)", "attach", "16"),
            Trial("seize", "seize another process (ptrace)", "attach", "0x4206"),
            Trial("read-memory", "process_vm_readv", "read-memory"),
            Trial("take-descriptor", "pidfd_getfd", "take-descriptor"),
            Trial("signal", "reach a process of the host", "signal", .host(.process)),
            Trial("be-first", "be process 1", "be-first"),
            Trial("trace-init", "trace process 1", "trace-init"),
            Trial("init-memory", "read the memory of process 1", "read", "/proc/1/mem"),
            Trial(
                "init-environment", "read the environment of process 1", "read",
                "/proc/1/environ"),
            Trial("init-program", "write the program of process 1", "write", "/proc/1/exe"),
        ])

    private static let files = TrialGroup(
        title: "Files and mounts",
        trials: [
            Trial("host-file", "read a file of the host", "read", .host(.file)),
            Trial("root", "write to the root", "create", "/selftest-file"),
            Trial("own-program", "write the runtime's program", "write", "/proc/self/exe"),
            Trial("mount", "mount a file system", "mount", "/tmp"),
            Trial("bind-mount", "make a bind mount", "bind-mount", "/tmp"),
            Trial("remount", "remount the root for writing", "remount", "/"),
            Trial("fsopen", "fsopen", "fsopen"),
            Trial("open-tree", "copy a mount (open_tree)", "open-tree", "/"),
            Trial("pivot-root", "pivot_root", "pivot-root"),
            Trial("chroot", "chroot", "chroot"),
            Trial(
                "core-pattern", "write /proc/sys/kernel/core_pattern", "write",
                "/proc/sys/kernel/core_pattern"),
            Trial("sysrq", "write /proc/sysrq-trigger", "write", "/proc/sysrq-trigger"),
            Trial("kcore", "read /proc/kcore", "read", "/proc/kcore"),
            Trial("keys", "read /proc/keys", "read", "/proc/keys"),
            Trial("timers", "read /proc/timer_list", "read", "/proc/timer_list"),
            Trial("interrupts", "read /proc/interrupts", "read", "/proc/interrupts"),
            Trial("firmware", "list /sys/firmware", "list", "/sys/firmware"),
            Trial(
                "uevents", "write /sys/kernel/uevent_helper", "write", "/sys/kernel/uevent_helper"),
            Trial(
                "cgroup", "make a control group", "make-directory", "/sys/fs/cgroup/selftest"),
        ])

    private static let devices = TrialGroup(
        title: "Devices",
        trials: [
            Trial("mem", "open /dev/mem", "read", "/dev/mem"),
            Trial("kmsg", "write /dev/kmsg", "write", "/dev/kmsg"),
            Trial("kvm", "open /dev/kvm", "write", "/dev/kvm"),
            Trial("fuse", "open /dev/fuse", "write", "/dev/fuse"),
            Trial("tun", "open /dev/net/tun", "write", "/dev/net/tun"),
            Trial("device", "make a device", "device", "/tmp/selftest"),
        ])

    private static let rights = TrialGroup(
        title: "Rights",
        trials: [
            Trial("capabilities", "have a capability", "capabilities"),
            Trial("privileges", "gain privileges by execve", "privileges"),
            Trial("core", "write a core dump", "core"),
            Trial("host-name", "set the host name", "host-name"),
        ])

    private static let needed = TrialGroup(
        title: "What programs need",
        trials: [
            Trial("process", "make a process", "process", mustSucceed: true),
            Trial("tcp", "a TCP socket", "socket", "2 1 6", mustSucceed: true),
            Trial("udp", "a UDP socket", "socket", "10 2 17", mustSucceed: true),
            Trial("pair", "a pair of UNIX sockets", "pair", mustSucceed: true),
            Trial("netlink-route", "NETLINK_ROUTE", "socket", "16 3 0", mustSucceed: true),
            Trial("trace-own", "trace a child of its own", "trace-own", mustSucceed: true),
            Trial("memory-file", "memfd_create", "memory-file", mustSucceed: true),
            Trial("temporary", "write a file in /tmp", "create", "/tmp/file", mustSucceed: true),
        ])
}
