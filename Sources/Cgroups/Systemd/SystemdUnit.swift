public import LinuxSystem

/// A unit of systemd's that a container's cgroup is.
public struct SystemdUnit: Sendable, Hashable {
    /// `vfs-run-web.scope`
    public var name: String
    /// Whether it is the user's manager that has it, not the host's.
    public var isUsers: Bool

    public init(name: String, isUsers: Bool) {
        self.name = name
        self.isUsers = isUsers
    }

    /// Whether this process has to turn to the user's manager: the host's takes only root.
    public static var areUsers: Bool {
        if Credentials.effectiveUser != 0 { return true }
        // In the first user namespace every number is itself.
        let map = (try? HostPath.read("/proc/self/uid_map")) ?? []
        let numbers = String(decoding: map, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        return !numbers.isEmpty && numbers != ["0", "0", "4294967295"]
    }
}

/// A unit to be made.
public struct SystemdUnitRequest: Sendable {
    public var unit: SystemdUnit
    /// The slice it lies in: `system.slice`.
    public var slice: String
    public var description: String
    /// More properties, which come last, so that they win.
    public var properties: [SystemdProperty]

    /// - Parameters:
    ///   - path: `linux.cgroupsPath`: `slice:prefix:name`, where an empty slice is the usual one;
    ///     nil for a unit of that `name` there.
    public init(path: String?, name: String, isUsers: Bool) throws(Failure) {
        let words = try SystemdUnitRequest.words(path ?? ":vfs-run:\(name)")
        let prefix = words.prefix.isEmpty ? "" : words.prefix + "-"
        unit = SystemdUnit(name: "\(prefix)\(words.name).scope", isUsers: isUsers)
        slice = words.slice.isEmpty ? (isUsers ? "user.slice" : "system.slice") : words.slice
        description = "vfs-run container \(name)"
        properties = []
    }

    private static func words(
        _ path: String
    ) throws(Failure) -> (slice: String, prefix: String, name: String) {
        let parts = path.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !parts[2].isEmpty else {
            throw Failure(
                "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups,"
                    + " got \"\(path)\" instead; leave --systemd-cgroup out for a path in the file"
                    + " system")
        }
        if parts[2].hasSuffix(".slice") {
            throw Failure(
                "the unit \"\(parts[2])\" would be a slice, which holds no processes; leave"
                    + " \".slice\" out")
        }
        return (parts[0], parts[1], parts[2])
    }
}
