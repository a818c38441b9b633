internal import JSON
internal import OCISpec

/// What the program shares with the host.
extension Advice {
    static func hasNamespace(_ kind: Spec.Linux.Namespace.Kind, _ spec: Spec) -> Bool {
        spec.linux?.namespaces.contains { $0.type.value == kind } ?? false
    }

    /// One that is not made and not joined is the host's.
    private static func missing(
        _ kind: Spec.Linux.Namespace.Kind, _ reason: String, _ spec: Spec,
        _ diagnostics: Diagnostics
    ) {
        if hasNamespace(kind, spec) { return }
        let message = "\(reason); add {\"type\": \"\(kind.rawValue)\"}"
        if let linux = spec.linux {
            diagnostics.warning(message, at: linux.offset, member: "namespaces")
        } else {
            diagnostics.warning(
                message, at: diagnostics.document.root.offset, member: "linux.namespaces")
        }
    }

    static func hostNetwork(_ spec: Spec, _ diagnostics: Diagnostics) {
        missing(
            .network,
            "the network is the host's: what listens on 127.0.0.1 there is reached, and abstract"
                + " sockets (CVE-2020-15257)", spec, diagnostics)
    }

    static func hostPID(_ spec: Spec, _ diagnostics: Diagnostics) {
        missing(.pid, "the host's processes are seen, and may be killed", spec, diagnostics)
    }

    static func hostIPC(_ spec: Spec, _ diagnostics: Diagnostics) {
        missing(.ipc, "shared memory and message queues are the host's", spec, diagnostics)
    }

    /// Only where it can be had.
    static func userNamespace(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard Supported.namespaces.contains(.user) else { return }
        missing(
            .user,
            "numbers of users are the host's: what gets out as root is root; with uidMappings and"
                + " gidMappings it is nobody", spec, diagnostics)
    }

    static func hostNamespace(_ spec: Spec, _ diagnostics: Diagnostics) {
        for namespace in spec.linux?.namespaces ?? [] {
            guard let path = namespace.path, path.value.hasPrefix("/proc/1/ns/") else { continue }
            diagnostics.warning(
                "\(path.value) is the host's own namespace; leave the path out for a new one",
                at: path.offset)
        }
    }

    // MARK: System calls

    static func noSeccomp(_ spec: Spec, _ diagnostics: Diagnostics) {
        if spec.linux?.seccomp != nil || spec.vfs?.seccomp != nil { return }
        let root = diagnostics.document.root.offset
        diagnostics.warning(
            "every system call is open to the program; \"vfs\": {\"seccomp\": \"default\"} is the"
                + " default profile", at: spec.linux?.offset ?? root,
            member: spec.linux == nil ? "linux.seccomp" : "seccomp")
    }

    static func seccompDefault(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let action = spec.linux?.seccomp?["defaultAction"], let word = action.string,
            ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].contains(word)
        else { return }
        diagnostics.warning(
            "\(word) allows what the profile does not name, and so what kernels will bring; deny by"
                + " default and list what is allowed", at: action.offset)
    }

    // MARK: Limits

    static func noMemoryLimit(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let limit = spec.linux?.resources?.memory?.limit, limit.value > 0 { return }
        limitMissing(
            "memory.limit", "the program may take all memory of the host", spec, diagnostics)
    }

    static func noProcessLimit(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let limit = spec.linux?.resources?.pids, limit.value > 0 { return }
        limitMissing(
            "pids.limit", "a fork bomb takes all process numbers of the host", spec, diagnostics)
    }

    /// What the kernel counts by user, and by no control group.
    static func sharedQuotas(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process, !hasNamespace(.user, spec) else { return }
        let missing = ["RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE"].filter { name in
            !process.rlimits.contains { $0.type.value == name }
        }
        if missing.isEmpty { return }
        diagnostics.warning(
            "pending signals and message queues count against the same user of the host, whose own"
                + " programs then fail; set \(missing.joined(separator: " and "))",
            at: process.offset, member: "rlimits")
    }

    private static func limitMissing(
        _ name: String, _ reason: String, _ spec: Spec, _ diagnostics: Diagnostics
    ) {
        let root = diagnostics.document.root.offset
        if let resources = spec.linux?.resources {
            diagnostics.warning("\(reason); set a limit", at: resources.offset, member: name)
        } else if let linux = spec.linux {
            diagnostics.warning(
                "\(reason); set a limit", at: linux.offset, member: "resources." + name)
        } else {
            diagnostics.warning(
                "\(reason); set a limit", at: root, member: "linux.resources." + name)
        }
    }
}
