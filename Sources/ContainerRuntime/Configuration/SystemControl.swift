internal import OCISpec

/// A kernel parameter (sysctl(8)).
enum SystemControl {
    /// The path below `/proc/sys`; nil for text that is not a name. Names are written with dots or with
    /// slashes, as sysctl(8) has it: the first separator decides.
    static func path(_ name: String) -> String? {
        let separator = name.first { $0 == "." || $0 == "/" } ?? "."
        var components = name.split(separator: separator, omittingEmptySubsequences: false)
            .map(String.init)
        // With dots as separators a slash stands for a dot: net.ipv4.conf.eth0/1.forwarding.
        if separator == "." {
            components = components.map { String($0.map { $0 == "/" ? "." : $0 }) }
        }
        let isPath =
            components.count > 1 && components.allSatisfy { !["", ".", ".."].contains($0) }
        return isPath ? components.joined(separator: "/") : nil
    }

    /// The namespace of a parameter; nil for one of the host.
    static func owner(_ path: String) -> Spec.Linux.Namespace.Kind? {
        if path.hasPrefix("net/") { return .network }
        if path.hasPrefix("user/") { return .user }
        if path.hasPrefix("fs/mqueue/") { return .ipc }
        let ipc = [
            "msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced",
        ]
        if ipc.contains(where: { path == "kernel/" + $0 }) { return .ipc }
        if path == "kernel/domainname" || path == "kernel/hostname" { return .uts }
        return nil
    }
}
