internal import OCISpec

/// The user and the privileges of the program.
extension Advice {
    /// Capabilities that allow an escape or affect the host, and the reason.
    private static let dangerous: [(name: String, reason: String)] = [
        ("CAP_SYS_ADMIN", "allows mounts and many other ways to escape"),
        ("CAP_SYS_MODULE", "allows loading code into the kernel"),
        ("CAP_SYS_RAWIO", "allows access to the memory and the disks of the host"),
        (
            "CAP_SYS_PTRACE",
            "allows control of other processes, including those of the host if they are visible"
        ),
        (
            "CAP_DAC_READ_SEARCH",
            "allows opening files of the host by handle (open_by_handle_at(2))"
        ),
        ("CAP_SYS_BOOT", "allows a reboot of the host, or of another kernel"),
        ("CAP_SYS_TIME", "allows setting the clock of the host"),
        ("CAP_SYSLOG", "allows reading the log and the addresses of the kernel"),
        ("CAP_BPF", "allows loading programs into the kernel"),
        ("CAP_PERFMON", "allows monitoring of the whole host"),
        ("CAP_MAC_ADMIN", "allows changing the policies of security modules"),
        ("CAP_MAC_OVERRIDE", "allows bypassing security modules"),
        ("CAP_LINUX_IMMUTABLE", "allows changing immutable files"),
        ("CAP_WAKE_ALARM", "allows waking up the host"),
        ("CAP_AUDIT_CONTROL", "allows disabling the audit of the host"),
    ]

    static func capability(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let sets = spec.process?.capabilities else { return }
        var seen: Set<String> = []
        for name in sets.bounding + sets.effective + sets.permitted + sets.inheritable
            + sets.ambient
        where seen.insert(name.value).inserted {
            guard let row = dangerous.first(where: { $0.name == name.value }) else { continue }
            diagnostics.warning("\(row.name) \(row.reason); remove it", at: name.offset)
        }
    }

    static func inheritable(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let sets = spec.process?.capabilities, let first = sets.inheritable.first,
            sets.ambient.isEmpty
        else { return }
        diagnostics.warning(
            "any user gains these from a program with file capabilities (CVE-2022-29162); remove"
                + " \"inheritable\" unless \"ambient\" needs it", at: first.offset)
    }

    static func newPrivileges(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process else { return }
        if process.noNewPrivileges?.value == true { return }
        let message =
            "set-user-ID programs such as su and sudo raise the privileges of their caller; set"
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
            "runs as root; if it escapes it is root on the host; use another user"
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
            "disables AppArmor; remove it, or name a profile", at: profile.offset)
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
                "\(parts[0]) looks like a secret: all child processes inherit it, and"
                    + " /proc/PID/environ shows it; use a bind-mounted file", at: entry.offset)
        }
    }

    static func noTerm(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process, let terminal = process.terminal, terminal.value,
            !process.env.contains(where: { $0.value.hasPrefix("TERM=") })
        else { return }
        diagnostics.warning(
            "the program has a terminal and no TERM; add \"TERM=xterm\" to process.env",
            at: terminal.offset)
    }
}
