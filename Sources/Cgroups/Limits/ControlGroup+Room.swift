public import LinuxSystem

/// Room for processes that the container's limit does not count.
extension ControlGroup {
    /// Whether it limits the number of its processes.
    public var limitsProcesses: Bool { processLimit != nil }

    /// The directory with the limit, and the limit.
    private var processLimit: (path: String, most: Int64)? {
        guard let path = directory(of: "pids")?.path,
            let most = GroupFile.read(path, "pids.max").flatMap({ Int64($0) })
        else { return nil }
        return (path, most)
    }

    /// The limit before it was raised.
    public struct ProcessLimit: Sendable {
        let path: String
        let most: Int64
    }

    /// Raises the limit, as far as `count` more processes need it.
    ///
    /// - Returns: What it was; nil where there is room.
    public func makeRoom(for count: Int64) throws(Failure) -> ProcessLimit? {
        guard let limit = processLimit,
            let now = GroupFile.read(limit.path, "pids.current").flatMap({ Int64($0) }),
            now + count > limit.most
        else { return nil }
        try write(String(now + count), to: limit.path)
        return ProcessLimit(path: limit.path, most: limit.most)
    }

    /// Sets the limit to what it was.
    public func restore(_ limit: ProcessLimit) throws(Failure) {
        try write(String(limit.most), to: limit.path)
    }

    private func write(_ value: String, to path: String) throws(Failure) {
        try attempt(
            "write", on: path + "/pids.max", try GroupFile.write(path, "pids.max", value))
    }
}
