public import LinuxSystem
internal import SystemPackage

/// `linux.intelRdt`: what a container may take of the processors' caches and of the way to memory.
public struct ResctrlRequest: Sendable, Hashable {
    /// `closID`; nil for a group of the container's own.
    public var group: String?
    /// The container's.
    public var name: String
    public var l3CacheSchema: String?
    public var memoryBandwidthSchema: String?
    public var schemata: [String]
    public var monitors: Bool

    public init(
        group: String?, name: String, l3CacheSchema: String?, memoryBandwidthSchema: String?,
        schemata: [String], monitors: Bool
    ) {
        self.group = group
        self.name = name
        self.l3CacheSchema = l3CacheSchema
        self.memoryBandwidthSchema = memoryBandwidthSchema
        self.schemata = schemata
        self.monitors = monitors
    }

    var lines: [String] {
        ResctrlSchema.lines(
            l3Cache: l3CacheSchema, memoryBandwidth: memoryBandwidthSchema, schemata: schemata)
    }
}

/// A group of resctrl that a container is in: a directory in the file system of that name.
public struct ResctrlGroup: Sendable, Hashable {
    /// Where resctrl is mounted.
    public var root: String
    public var path: String
    /// The group in it that counts for the container alone.
    public var monitor: String?
    /// Whether it belongs to the container and is removed with it. A group that the config names
    /// belongs to the administrator, and other processes may be in it.
    public var isOwn: Bool

    public init(root: String, path: String, monitor: String?, isOwn: Bool) {
        self.root = root
        self.path = path
        self.monitor = monitor
        self.isOwn = isOwn
    }

    /// Where resctrl is mounted on this host; nil where it is not.
    public static var root: String? {
        let table = (try? HostPath.read("/proc/self/mountinfo")) ?? []
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let dash = words.firstIndex(of: "-"), dash > 4, words.count > dash + 1,
                words[dash + 1] == "resctrl"
            else { continue }
            return String(words[4])
        }
        return nil
    }

    /// Makes the group, or finds it, as the specification has it; removes what it has made when
    /// something fails.
    public static func make(
        _ request: ResctrlRequest, root: String? = ResctrlGroup.root
    ) throws(Failure) -> ResctrlGroup {
        guard let root else {
            throw Failure(
                "resctrl is not mounted on this host; mount it on /sys/fs/resctrl, or remove"
                    + " linux.intelRdt")
        }
        try requireFeatures(request, root)
        let path =
            request.group == "/" ? root : "\(root)/\(request.group ?? request.name)"
        var group = ResctrlGroup(root: root, path: path, monitor: nil, isOwn: false)
        let isNew = try group.makeDirectory(request)
        group.isOwn = request.group == nil
        do throws(Failure) {
            if request.group != nil && !isNew {
                try group.compare(request)
                try group.write(request.schemata)
            } else {
                try group.write(request.lines)
            }
            if request.monitors { try group.makeMonitor(request.name) }
        } catch {
            // The first error is what counts.
            if isNew { try? HostPath.removeDirectory(path) }
            throw error
        }
        return group
    }

    private static func requireFeatures(
        _ request: ResctrlRequest, _ root: String
    ) throws(Failure) {
        let wanted = [
            (request.l3CacheSchema?.isEmpty == false, "L3", "l3CacheSchema"),
            (request.memoryBandwidthSchema?.isEmpty == false, "MB", "memBwSchema"),
            (request.monitors, "L3_MON", "enableMonitoring"),
        ]
        for (isWanted, feature, field) in wanted where isWanted {
            if (try? FileStatus.of(path: "\(root)/info/\(feature)")) == nil {
                throw Failure(
                    "intelRdt.\(field): \"\(root)/info/\(feature)\" is missing: this machine cannot,"
                        + " or it is disabled on the kernel's command line; remove it")
            }
        }
    }

    // MARK: The group

    /// - Returns: Whether it was not there.
    private func makeDirectory(_ request: ResctrlRequest) throws(Failure) -> Bool {
        if request.group != nil && request.lines.isEmpty {
            if (try? FileStatus.of(path: path)) != nil { return false }
            throw Failure(
                "intelRdt.closID: \"\(path)\" does not exist; make it, or give a schema")
        }
        do throws(Errno) {
            try HostPath.makeDirectory(path, mode: 0o755)
            return true
        } catch .fileExists {
            if request.group == nil, let tasks = GroupFile.read(path, "tasks"), !tasks.isEmpty {
                throw Failure(
                    "\"\(path)\" is taken: there are processes in it; remove it, or name a closID",
                    .taken)
            }
            return false
        } catch {
            throw failure(
                "mkdir \"\(path)\"", error,
                error == .noSpace ? "the processor has no more groups to give" : nil)
        }
    }

    /// The kernel's own words behind the error's.
    private func failure(
        _ what: String, _ error: Errno, _ advice: String? = nil
    ) -> Failure {
        var sentence = "\(what): \(error.words)"
        if let status = GroupFile.read(root + "/info", "last_cmd_status"), status != "ok",
            !status.isEmpty
        {
            sentence += ": \(status)"
        }
        return Failure(sentence + (advice.map { "; " + $0 } ?? ""))
    }

    private func compare(_ request: ResctrlRequest) throws(Failure) {
        let file = GroupFile.read(path, "schemata") ?? ""
        let lines = ResctrlSchema.combined(
            request.l3CacheSchema, request.memoryBandwidthSchema)
        for line in lines where !ResctrlSchema.matches(line, file) {
            throw Failure(
                "intelRdt.closID: \"\(path)\" is there and has not \"\(line)\" but"
                    + " \"\(file.split(separator: "\n").joined(separator: ", "))\"; name another, or"
                    + " leave the schema out")
        }
    }

    /// New schemata; what they do not name stays as it is.
    public func update(
        l3CacheSchema: String?, memoryBandwidthSchema: String?
    ) throws(Failure) {
        let request = ResctrlRequest(
            group: nil, name: "", l3CacheSchema: l3CacheSchema,
            memoryBandwidthSchema: memoryBandwidthSchema, schemata: [], monitors: false)
        try ResctrlGroup.requireFeatures(request, root)
        try write(request.lines)
    }

    private func write(_ lines: [String]) throws(Failure) {
        if lines.isEmpty { return }
        do throws(Errno) {
            // All at once, so that the kernel takes all or none.
            try ResctrlGroup.write("\(path)/schemata", lines.joined(separator: "\n") + "\n")
        } catch {
            throw failure(
                "write \"\(lines.joined(separator: ", "))\" to \"\(path)/schemata\"", error)
        }
    }

    /// The kernel makes the files with the directory; a tree that is not the kernel's gets them so.
    private static func write(_ path: String, _ text: String) throws(Errno) {
        let file = try HostPath.open(path, [.writeOnly, .create, .truncate], mode: 0o600)
        try file.borrowed.write(all: Array(text.utf8))
    }

    private mutating func makeMonitor(_ name: String) throws(Failure) {
        let path = "\(path)/mon_groups/\(name)"
        do throws(Errno) {
            try HostPath.makeDirectory(path, mode: 0o755)
        } catch .fileExists {
            // Left behind; it counts on.
        } catch {
            throw failure("mkdir \"\(path)\"", error)
        }
        monitor = path
    }

    // MARK: Processes

    /// Puts a process in, and what it makes from then on.
    ///
    /// - Parameter process: 0 is the calling process.
    public func add(process: Int32) throws(Failure) {
        for directory in [path, monitor].compactMap(\.self) {
            do throws(Errno) {
                try ResctrlGroup.write("\(directory)/tasks", String(process))
            } catch {
                throw failure("write \"\(process)\" to \"\(directory)/tasks\"", error)
            }
        }
    }

    /// Removes what is the container's of it. What is gone is fine.
    public func remove() throws(Failure) {
        guard let path = isOwn ? path : monitor else { return }
        do throws(Errno) {
            try HostPath.removeDirectory(path)
        } catch .noSuchFileOrDirectory {
        } catch {
            throw Failure("rmdir", "\"\(path)\"", error)
        }
    }
}
