/// What one field of `linux.resources` writes into which file of a cgroup.
struct Assignment: Sendable, Hashable {
    /// `memory`; empty for the files that every cgroup of version 2 has.
    var controller: String
    /// Files of the same meaning and what is written there; the first that is there counts.
    var choices: [Choice]
    /// The field: `memory.limit`.
    var field: String
    /// Nothing is lost where no kernel file has it.
    var isOptional = false

    struct Choice: Sendable, Hashable {
        var file: String
        var value: String
    }

    init(
        _ controller: String, _ file: String, _ value: String, _ field: String,
        optional: Bool = false
    ) {
        self.init(controller, [Choice(file: file, value: value)], field, optional: optional)
    }

    init(_ controller: String, _ choices: [Choice], _ field: String, optional: Bool = false) {
        self.controller = controller
        self.choices = choices
        self.field = field
        isOptional = optional
    }
}

/// Reads a file of the cgroup as it is now, without the newline; nil where there is none.
typealias CurrentValue = (_ file: String) -> String?

extension Resources {
    /// The controllers that are needed, by their names in version 1, without devices.
    var controllers: [String] {
        var found: [String] = []
        if memory != Memory(), memory.needsController { found.append("memory") }
        if cpu.needsController { found.append("cpu") }
        if cpu.cpus != nil || cpu.mems != nil { found.append("cpuset") }
        if pids != nil { found.append("pids") }
        if blockIO != BlockIO() { found.append("blkio") }
        if !hugepages.isEmpty { found.append("hugetlb") }
        if networkClass != nil { found.append("net_cls") }
        if !networkPriorities.isEmpty { found.append("net_prio") }
        if !rdma.isEmpty { found.append("rdma") }
        return found
    }

    /// Whether a container needs a cgroup for them at all.
    public var needControlGroup: Bool {
        devices != nil || !unified.isEmpty || !controllers.isEmpty
    }
}

extension Resources.Memory {
    fileprivate var needsController: Bool {
        limit != nil || reservation != nil || swap != nil || swappiness != nil
            || disablesOutOfMemoryKiller
    }
}

extension Resources.CPU {
    fileprivate var needsController: Bool {
        var others = self
        others.cpus = nil
        others.mems = nil
        return others != Resources.CPU()
    }
}
