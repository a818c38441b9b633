/// The limit of processes, for a process that joins.
extension ControlGroup {
    /// Nil where there is none.
    public var processLimit: Int64? { processLimitFile?.most }

    private var processLimitFile: (path: String, most: Int64)? {
        guard let path = directory(of: "pids")?.path,
            let most = GroupFile.read(path, "pids.max").flatMap({ Int64($0) })
        else { return nil }
        return (path, most)
    }

    /// The limit, where it leaves no room for `count` more processes; nil where it does, and where there
    /// are more already.
    public func limit(withoutRoomFor count: Int64) -> Int64? {
        guard let limit = processLimitFile,
            let now = GroupFile.read(limit.path, "pids.current").flatMap({ Int64($0) }),
            now + count > limit.most, now <= limit.most
        else { return nil }
        return limit.most
    }
}
