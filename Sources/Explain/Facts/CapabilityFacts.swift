public import LinuxSystem

/// The capabilities of a process.
public struct CapabilityFacts: Sendable {
    /// Nil where they are not known.
    public var sets: CapabilitySets?
    /// Where the config says so.
    public var place: String?
    /// All that root of the host can have: the bounding set of process 1, where it may be read.
    var hosts = CapabilitySet(rawValue: .max)

    public init() {}

    init(_ status: ProcessStatus) {
        guard let bounding = status.capabilities("CapBnd"),
            let effective = status.capabilities("CapEff"),
            let permitted = status.capabilities("CapPrm"),
            let inheritable = status.capabilities("CapInh")
        else { return }
        var sets = CapabilitySets()
        sets.bounding = bounding
        sets.effective = effective
        sets.permitted = permitted
        sets.inheritable = inheritable
        sets.ambient = status.capabilities("CapAmb") ?? []
        self.sets = sets
    }

    /// Takes what process 1 has; every user may read it.
    mutating func compareWithHost() {
        guard let bytes = try? HostPath.read("/proc/1/status", limit: 1 << 16),
            let bounding = ProcessStatus(bytes).capabilities("CapBnd")
        else { return }
        hosts = bounding
    }

    /// Whether a set lacks nothing that root of the host has, and that is much.
    func isAll(_ set: CapabilitySet) -> Bool {
        let known = Set(set.names)
        return known.contains("CAP_SYS_ADMIN") && hosts.names.allSatisfy(known.contains)
    }

    /// All that the process can get back: it has it, or a program with file capabilities or with
    /// the set-user-ID bit gives it.
    func reachable(noNewPrivileges: Bool?) -> CapabilitySet {
        guard let sets else { return [] }
        return noNewPrivileges == true ? sets.permitted : sets.permitted.union(sets.bounding)
    }

    /// Programs of everyday use that fail for want of a capability, with those that they want.
    var lacking: [(program: CapabilityWords.Program, missing: [String])] {
        guard let effective = sets?.effective else { return [] }
        return CapabilityWords.programs.compactMap { program in
            let missing = program.wants.filter { name in
                CapabilitySet(name: name).map { !effective.contains($0) } ?? false
            }
            return missing.isEmpty ? nil : (program, missing)
        }
    }
}
