public import OCISpec

/// The limits of a cgroup, as a checked document has them.
public typealias Resources = Spec.Linux.Resources

extension Resources {
    /// In the order they are applied; nil leaves devices alone.
    var deviceRules: [Cgroups.DeviceRule]? {
        devices.isEmpty ? nil : devices.flatMap(Cgroups.DeviceRule.rules)
    }

    /// The controllers that are needed, by their names in version 1, without devices.
    public var controllers: [String] {
        var found: [String] = []
        for limit in limits({ _ in nil }) where !found.contains(limit.controller) {
            found.append(limit.controller)
        }
        return found
    }

    /// Whether a container needs a cgroup for them at all.
    public var needControlGroup: Bool {
        !devices.isEmpty || !unified.isEmpty || !controllers.isEmpty
    }

    /// Whether the kernel ends all processes of the cgroup when it kills one for want of memory.
    var killsTogether: Bool {
        unified.contains { $0.file.value == "memory.oom.group" && $0.value.value.hasPrefix("1") }
    }

    /// The limits in a line, for people: `memory 64M, pids 10, devices`.
    public var summary: String {
        var words: [String] = []
        func add(_ name: String, _ value: String?) {
            if let value { words.append("\(name) \(value)") }
        }
        add("memory", memory?.limit.map(Resources.size))
        add("memory and swap", memory?.swap.map(Resources.size))
        add("memory reservation", memory?.reservation.map(Resources.size))
        add("cpu shares", cpu?.shares.map { "\($0.value)" })
        add("cpu quota", cpu?.quota.map { $0.value < 0 ? "none" : "\($0.value)" })
        add("cpu period", cpu?.period.map { "\($0.value)" })
        add("cpus", cpu?.cpus?.value)
        add("pids", pids.map { $0.value < 0 ? "any" : "\($0.value)" })
        if controllers.contains("blkio") { words.append("block I/O") }
        for size in hugepageLimits { add("pages of \(size.pageSize.value)", "\(size.limit.value)") }
        if let rules = deviceRules { words.append("\(rules.count) rules for devices") }
        words += unified.map { $0.file.value }
        return words.joined(separator: ", ")
    }

    /// `64M`
    private static func size(_ bytes: Located<Int64>) -> String {
        let bytes = bytes.value
        if bytes < 0 { return "unlimited" }
        for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] as [(String, Int64)]
        where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return String(bytes)
    }
}
