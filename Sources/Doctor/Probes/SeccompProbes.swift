internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// Which system calls a container may make.
    static let seccomp = ProbeGroup(
        key: "seccomp", title: "Seccomp",
        probes: [
            Probe(
                "filter", "install a filter", for: "the default profile", .everyone,
                mend: "boot a kernel with CONFIG_SECCOMP_FILTER", look: filter),
            Probe("actions", "actions of a filter", for: "linux.seccomp", look: actions),
            Probe(
                "notify", "notifications (SECCOMP_RET_USER_NOTIF)",
                for: "listenerPath", since: "5.0", mend: "boot Linux 5.0 or later", look: notify),
            Probe(
                "wait-killable", "killable notifications (WAIT_KILLABLE_RECV)",
                for: "the flag of that name", since: "5.19", mend: "boot Linux 5.19 or later",
                look: waitKillable),
        ])

    private static func filter(_ subject: Subject) throws(Failure) -> Finding {
        try attempt("prctl", "PR_SET_NO_NEW_PRIVS", try CurrentProcess.setNoNewPrivileges())
        // One instruction: return SECCOMP_RET_ALLOW.
        let allow: [UInt8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]
        _ = try attempt(
            "seccomp", "SECCOMP_SET_MODE_FILTER",
            try SeccompFilter(program: allow, flags: 0).install())
        return .works()
    }

    private static func actions(_ subject: Subject) throws(Failure) -> Finding {
        guard let text = KernelSetting.text("/proc/sys/kernel/seccomp/actions_avail") else {
            return .untried("/proc/sys/kernel/seccomp/actions_avail cannot be read")
        }
        let names = text.split(separator: " ").map(String.init)
        return .fact(
            names.joined(separator: ", "),
            facts: [("actions", .array(names.map(JSONOutput.string)))])
    }

    private static func notify(_ subject: Subject) throws(Failure) -> Finding {
        SeccompFilter.kernelTakes(flags: SeccompFilter.newListener)
            ? .works() : .lacks("the kernel does not know the flag")
    }

    private static func waitKillable(_ subject: Subject) throws(Failure) -> Finding {
        SeccompFilter.kernelTakes(flags: 32)
            ? .works() : .lacks("the kernel does not know the flag")
    }
}
