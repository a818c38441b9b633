public import LinuxSystem
public import SystemPackage

/// Tells by a descriptor when the kernel kills processes of a cgroup for want of memory.
public final class OutOfMemoryWatch {
    private let group: ControlGroup
    /// Of version 1, which tells of it and does not count.
    private let counter: EventCounter?
    /// Of version 2.
    private let watch: FileWatch?
    private var kills: Int

    public init(_ group: ControlGroup) throws(Failure) {
        var counter: EventCounter?
        var watch: FileWatch?
        switch group.directory(of: "memory") {
        case (let directory, true)?: watch = try OutOfMemoryWatch.watch(directory)
        case (let directory, false)?:
            counter = try VersionOneEvents.listen(directory, "memory.oom_control")
        case nil: break
        }
        self.group = group
        kills = group.outOfMemoryKills
        self.counter = counter
        self.watch = watch
    }

    /// Nil where the controller is not enabled: then no process is killed.
    private static func watch(_ directory: String) throws(Failure) -> FileWatch? {
        let file = "\(directory)/memory.events"
        if (try? FileStatus.of(path: file)) == nil { return nil }
        return try attempt("inotify_add_watch", on: file, try FileWatch(file))
    }

    /// Nil where nothing will ever happen.
    public var borrowed: FileDescriptor? { counter?.borrowed ?? watch?.borrowed }

    /// How often that has happened since the last time.
    public func take() throws(Failure) -> Int {
        if let counter {
            let count = try attempt("read", "eventfd", try counter.take())
            // The end of the cgroup counts too.
            return count > 0 && group.isThere ? 1 : 0
        }
        try attempt("read", "inotify", try watch?.take())
        let now = group.outOfMemoryKills
        defer { kills = max(kills, now) }
        return max(0, now - kills)
    }
}

extension ControlGroup {
    var isThere: Bool {
        mainDirectory.map { (try? FileStatus.of(path: $0)) != nil } ?? false
    }
}
