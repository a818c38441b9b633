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
        func number(_ file: String) -> Int? { GroupFile.read(directory, file).flatMap { Int($0) } }
        if number("memory.failcnt") ?? 0 > 0 { return true }
        // A limit of memory and swap that is not above that of memory is met first, and Linux 6.18 counts
        // no failure there.
        guard let most = number("memory.memsw.max_usage_in_bytes"),
            let limit = number("memory.memsw.limit_in_bytes")
        else { return false }
        return most >= limit - ControlGroup.chargedAtOnce
    }

    /// The kernel charges 64 pages at once where there is room.
    private static let chargedAtOnce = 64 * 4096

    /// The sentence for the user.
    public static let outOfMemory =
        "the control group has reached its limit of memory; raise linux.resources.memory.limit, or the"
        + " limit of a control group above"
}
