internal import OCISpec

/// What the program is and may do.
extension Advice {
    /// The capabilities with which a program gets out, or at the host, and how.
    private static let dangerous: [(name: String, reason: String)] = [
        ("CAP_SYS_ADMIN", "mounts, and much else with which a program gets out of its container"),
        ("CAP_SYS_MODULE", "loads code into the kernel"),
        ("CAP_SYS_RAWIO", "reads and writes the memory and the disks of the host"),
        ("CAP_SYS_PTRACE", "takes over other processes, on the host too where it sees them"),
        ("CAP_DAC_READ_SEARCH", "opens files of the host by their numbers (open_by_handle_at)"),
        ("CAP_SYS_BOOT", "restarts the host, or boots another kernel"),
        ("CAP_SYS_TIME", "sets the clock of the host"),
        ("CAP_SYSLOG", "reads the kernel's log, and its addresses"),
        ("CAP_BPF", "loads programs into the kernel"),
        ("CAP_PERFMON", "watches the whole host"),
        ("CAP_MAC_ADMIN", "changes the policies of security modules"),
        ("CAP_MAC_OVERRIDE", "passes by security modules"),
        ("CAP_LINUX_IMMUTABLE", "takes away the protection of files"),
        ("CAP_WAKE_ALARM", "wakes the host up"),
        ("CAP_AUDIT_CONTROL", "switches auditing of the host off"),
    ]

    static func capability(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let sets = spec.process?.capabilities else { return }
        var seen: Set<String> = []
        for name in sets.bounding + sets.effective + sets.permitted + sets.inheritable
            + sets.ambient
        where seen.insert(name.value).inserted {
            guard let row = dangerous.first(where: { $0.name == name.value }) else { continue }
            diagnostics.warning("\(row.name) \(row.reason); leave it out", at: name.offset)
        }
    }

    static func inheritable(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let sets = spec.process?.capabilities, let first = sets.inheritable.first,
            sets.ambient.isEmpty
        else { return }
        diagnostics.warning(
            "programs with file capabilities gain these, whoever runs them (CVE-2022-29162); leave"
                + " \"inheritable\" empty where \"ambient\" is", at: first.offset)
    }

    static func newPrivileges(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process else { return }
        if process.noNewPrivileges?.value == true { return }
        let message =
            "set-user-ID programs, as su and sudo, raise the rights of whoever runs them; set"
            + " \"noNewPrivileges\" to true"
        if let setting = process.noNewPrivileges {
            diagnostics.warning(message, at: setting.offset)
        } else {
            diagnostics.warning(message, at: process.offset, member: "noNewPrivileges")
        }
    }

    static func rootUser(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process, !hasNamespace(.user, spec) else { return }
        let message =
            "the program is root, and so it is outside, should it get there; name another user"
        if let uid = process.user?.uid {
            if uid.value == 0 { diagnostics.warning(message, at: uid.offset) }
        } else {
            diagnostics.warning(message, at: process.offset, member: "user.uid")
        }
    }

    static func appArmorUnconfined(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let profile = spec.process?.apparmorProfile, profile.value == "unconfined" else {
            return
        }
        diagnostics.warning(
            "AppArmor then confines nothing; leave it out, or name a profile", at: profile.offset)
    }

    static func secretInEnvironment(_ spec: Spec, _ diagnostics: Diagnostics) {
        let words = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "PRIVATE_KEY"]
        for entry in spec.process?.env ?? [] {
            let parts = entry.value.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[1].isEmpty else { continue }
            let name = parts[0].uppercased()
            guard words.contains(where: { name.hasSuffix($0) }) else { continue }
            diagnostics.warning(
                "\(parts[0]) looks like a secret: all that the program starts inherits it, and"
                    + " /proc/PID/environ shows it; bind a file instead", at: entry.offset)
        }
    }

    static func noTerm(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process, let terminal = process.terminal, terminal.value,
            !process.env.contains(where: { $0.value.hasPrefix("TERM=") })
        else { return }
        diagnostics.warning(
            "there is a terminal, and no program knows its kind; add \"TERM=xterm\" to"
                + " process.env", at: terminal.offset)
    }
}
