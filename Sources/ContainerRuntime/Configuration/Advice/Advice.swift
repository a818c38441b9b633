public import JSON
public import OCISpec

/// Advice against settings that are valid and weaken the isolation: `vfs-run lint` prints it, a start
/// does not. A new rule is one function and one line in `all`.
public enum Advice {
    /// A setting, and the reason against it.
    public struct Finding: Sendable {
        /// The name of the rule, which never changes.
        public var rule: String
        public var diagnostic: Diagnostic
    }

    typealias Rule = @Sendable (Spec, Diagnostics) -> Void

    static let all: [(name: String, rule: Rule)] = [
        ("unknown-key", unknownKey), ("host-root", hostRoot),
        ("engine-annotation", engineAnnotation),
        ("capability", capability), ("inheritable", inheritable),
        ("new-privileges", newPrivileges), ("root-user", rootUser),
        ("user-namespace", userNamespace), ("host-network", hostNetwork), ("host-pid", hostPID),
        ("host-ipc", hostIPC), ("host-namespace", hostNamespace), ("no-seccomp", noSeccomp),
        ("seccomp-default", seccompDefault), ("apparmor-unconfined", appArmorUnconfined),
        ("writable-bind", writableBind), ("whole-host", wholeHost),
        ("control-socket", controlSocket), ("writable-sysfs", writableSysfs),
        ("shared-mounts", sharedMounts), ("writable-root", writableRoot),
        ("masked-paths", maskedPaths), ("readonly-paths", readonlyPaths),
        ("all-devices", allDevices), ("host-device", hostDevice),
        ("no-memory-limit", noMemoryLimit), ("no-pids-limit", noProcessLimit),
        ("shared-quotas", sharedQuotas),
        ("secret-in-env", secretInEnvironment), ("no-term", noTerm),
    ]

    /// All findings, in the order of the document.
    public static func findings(_ document: JSONDocument, file: String) -> [Finding] {
        // Errors of the document itself are reported by the checks.
        let reading = Diagnostics(document, file: file)
        let recorder = KeyRecorder()
        reading.recorder = recorder
        let spec = Spec(reading)
        if let profile = spec.linux?.seccomp { _ = Spec.Seccomp(profile, reading) }
        var found: [Finding] = []
        for (name, rule) in all {
            let diagnostics = Diagnostics(document, file: file)
            diagnostics.recorder = recorder
            rule(spec, diagnostics)
            found += diagnostics.all.map { Finding(rule: name, diagnostic: $0) }
        }
        return found.enumerated().sorted { one, other in
            let (first, second) = (one.element.diagnostic, other.element.diagnostic)
            return (first.position.line, first.position.column, one.offset)
                < (second.position.line, second.position.column, other.offset)
        }.map(\.element)
    }
}
