internal import JSON
internal import OCISpec

/// Namespaces, system calls and limits that are shared with the host.
extension Advice {
    static func hasNamespace(_ kind: Spec.Linux.Namespace.Kind, _ spec: Spec) -> Bool {
        spec.linux?.namespaces.contains { $0.type.value == kind } ?? false
    }

    /// Without an entry the container is in the namespace of the host.
    private static func missing(
        _ kind: Spec.Linux.Namespace.Kind, _ reason: String, _ spec: Spec,
        _ diagnostics: Diagnostics, and more: String = ""
    ) {
        if hasNamespace(kind, spec) { return }
        let message = "\(reason); add {\"type\": \"\(kind.rawValue)\"}\(more)"
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
            "the container uses the network of the host: it can connect to services on 127.0.0.1 and"
                + " to abstract sockets (CVE-2020-15257)", spec, diagnostics)
    }

    static func hostPID(_ spec: Spec, _ diagnostics: Diagnostics) {
        missing(
            .pid, "the container sees the processes of the host and can send them signals", spec,
            diagnostics)
    }

    static func hostIPC(_ spec: Spec, _ diagnostics: Diagnostics) {
        missing(
            .ipc, "the container shares System V IPC and POSIX message queues with the host", spec,
            diagnostics)
    }

    static func userNamespace(_ spec: Spec, _ diagnostics: Diagnostics) {
        missing(
            .user,
            "no user namespace: uid 0 inside is uid 0 on the host",
            spec, diagnostics,
            and: ", and to linux \"uidMappings\" and \"gidMappings\", both"
                + " [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}]")
    }

    static func hostNamespace(_ spec: Spec, _ diagnostics: Diagnostics) {
        for namespace in spec.linux?.namespaces ?? [] {
            guard let path = namespace.path, path.value.hasPrefix("/proc/1/ns/") else { continue }
            diagnostics.warning(
                "\(path.value) is a namespace of the host; remove the path for a new one",
                at: path.offset)
        }
    }

    // MARK: System calls

    static func noSeccomp(_ spec: Spec, _ diagnostics: Diagnostics) {
        if spec.linux?.seccomp != nil || spec.vfs?.seccomp != nil { return }
        let root = diagnostics.document.root.offset
        diagnostics.warning(
            "the program can use all system calls; add \"vfs\": {\"seccomp\": \"default\"} for the"
                + " default profile", at: spec.linux?.offset ?? root,
            member: spec.linux == nil ? "linux.seccomp" : "seccomp")
    }

    static func seccompDefault(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let action = spec.linux?.seccomp?["defaultAction"], let word = action.string,
            ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].contains(word)
        else { return }
        diagnostics.warning(
            "\(word) allows all system calls that the profile does not list, including those of"
                + " future kernels; deny by default and list the allowed ones", at: action.offset)
    }

    // MARK: Limits

    static func noMemoryLimit(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let limit = spec.linux?.resources?.memory?.limit, limit.value > 0 { return }
        limitMissing(
            "memory.limit", "the program can use all memory of the host", spec, diagnostics)
    }

    static func noProcessLimit(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let limit = spec.linux?.resources?.pids, limit.value > 0 { return }
        limitMissing(
            "pids.limit", "a fork bomb can use up all pids of the host", spec, diagnostics)
    }

    /// Resources that the kernel limits by user and not by control group.
    static func sharedQuotas(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process, !hasNamespace(.user, spec) else { return }
        let missing = ["RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE"].filter { name in
            !process.rlimits.contains { $0.type.value == name }
        }
        if missing.isEmpty { return }
        diagnostics.warning(
            "pending signals and message queues count against the same uid on the host, and can use up"
                + " its limits; set \(missing.joined(separator: " and "))",
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
