internal import LinuxSystem

extension Explanation {
    /// The ways that one capability opens, the widest first.
    private static let order = [
        "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_PTRACE",
        "CAP_DAC_READ_SEARCH", "CAP_BPF", "CAP_SYS_BOOT", "CAP_NET_ADMIN", "CAP_PERFMON",
        "CAP_SYSLOG",
    ]

    static func capabilityWays(_ found: Explanation) -> [Way] {
        let reachable = found.capabilities.reachable(
            noNewPrivileges: found.security.noNewPrivileges)
        guard let sets = found.capabilities.sets, found.reachesHost else { return [] }
        if found.capabilities.isAll(reachable) { return [allCapabilities(found, sets)] }
        let names = reachable.names.filter { !order.contains($0) }
        return (order.filter(reachable.names.contains) + names).compactMap { name in
            guard let row = CapabilityWords.row(name), row.weight != .usual else { return nil }
            let isEffective = sets.effective.names.contains(name)
            var rank: Way.Rank = row.weight == .host ? .critical : .medium
            if name == "CAP_SYS_PTRACE" && found.shares("pid") { rank = .critical }
            if name == "CAP_NET_ADMIN" && found.shares("network") { rank = .high }
            if name == "CAP_SYS_BOOT" { rank = .high }
            // It takes a program with file capabilities or the set-user-ID bit.
            if !isEffective && rank == .critical && found.identity.innerUser != 0 { rank = .high }
            let place = found.places.map { $0.capability(name) + ": " } ?? ""
            let docker = found.places == nil ? " (docker: --cap-drop \(name.dropFirst(4)))" : ""
            return Way(
                rank, "capability \(name)",
                "\(name): \(row.allows)\(isEffective ? "" : "; a program can get it by execve")",
                change: "\(place)remove \(name) from process.capabilities\(docker)")
        }
    }

    /// Of one that lacks none, a line for each says nothing.
    private static func allCapabilities(_ found: Explanation, _ sets: CapabilitySets) -> Way {
        let place = found.capabilities.place.map { $0 + ": " } ?? ""
        let docker = found.places == nil ? " (docker: without --privileged)" : ""
        if found.capabilities.isAll(sets.effective) || found.identity.innerUser == 0 {
            return Way(
                .critical, "all capabilities",
                "all capabilities of the host: it is root there, mounts its disks, loads modules, and joins"
                    + " its namespaces (nsenter --target 1 --all)",
                change: "\(place)list the ones that it needs in process.capabilities\(docker)")
        }
        return Way(
            .high, "all capabilities",
            "it has \(sets.effective.isEmpty ? "none" : "\(sets.effective.names.count)") of the"
                + " capabilities, and a set-user-ID program gives it all of them",
            change: found.line(
                "set process.noNewPrivileges to true, and empty the bounding set",
                docker: "--security-opt no-new-privileges", "process", "noNewPrivileges"))
    }
}
