internal import LinuxSystem

/// Memory that a control group has run out of.
extension ControlGroup {
    /// How often the kernel has killed in it for want of memory.
    public var outOfMemoryKills: Int {
        guard let (directory, isVersion2) = directory(of: "memory") else { return 0 }
        let file = isVersion2 ? "memory.events" : "memory.oom_control"
        return Int(clamping: GroupFile.value(directory, file, key: "oom_kill") ?? 0)
    }

    /// Whether its processes have been refused memory, or waited for some, at its limit.
    public var hasReachedMemoryLimit: Bool {
        guard let (directory, isVersion2) = directory(of: "memory") else { return false }
        if isVersion2 {
            return GroupFile.value(directory, "memory.events", key: "max") ?? 0 > 0
        }
        // With a limit of memory and swap that is not above that of memory the kernel counts there.
        return ["memory.failcnt", "memory.memsw.failcnt"].contains {
            Int(GroupFile.read(directory, $0) ?? "") ?? 0 > 0
        }
    }

    /// The sentence for the user.
    public static let outOfMemory =
        "the control group has reached its limit of memory; raise linux.resources.memory.limit, or the"
        + " limit of a control group above"
}
