public import LinuxSystem
internal import SystemPackage

/// The host's hierarchies of cgroups, by what is mounted: version 2, version 1, or controllers of
/// both.
public struct Hierarchies: Sendable, Hashable {
    public struct Hierarchy: Sendable, Hashable {
        /// Of version 1: `cpu`, `cpuacct`, `name=systemd`. Of version 2 those it has to offer.
        public var controllers: [String]
        public var mountPoint: String
        /// The cgroup of the process that was looked at, from the mount point: `/`, `/user.slice`.
        public var own: String
        /// Of version 2: no process in a namespace of cgroups changes the limits of its root
        /// (`nsdelegate`).
        public var guardsNamespaces = false

        /// Of version 1: no controllers, but a name: a manager keeps its units in it.
        var isNamed: Bool {
            !controllers.isEmpty && controllers.allSatisfy { $0.hasPrefix("name=") }
        }

        /// A path on the host.
        public func path(_ inner: String) -> String {
            inner == "/" ? mountPoint : mountPoint + inner
        }
    }

    public var version1: [Hierarchy]
    public var version2: Hierarchy?

    /// Looks at this process's own mounts and cgroups.
    ///
    /// - Parameter process: Whose cgroups are told.
    public static func read(of process: Int32? = nil) throws(Failure) -> Hierarchies {
        func short(_ path: String) throws(Failure) -> [UInt8] {
            try attempt("read", on: path, try HostPath.readShort(path))
        }
        let mounts = try attempt(
            "read", on: "/proc/self/mountinfo", try HostPath.read("/proc/self/mountinfo"))
        var found = Hierarchies(
            mounts: mounts,
            memberships: try short(process.map { "/proc/\($0)/cgroup" } ?? "/proc/self/cgroup"))
        if let unified = found.version2 {
            found.version2?.controllers =
                KernelText(try short(unified.mountPoint + "/cgroup.controllers")).words
        }
        return found
    }

    /// Version 2 alone, at its usual place, without reading the table of mounts. A guess: version 1
    /// may be mounted elsewhere, and not every controller be there.
    ///
    /// - Parameters:
    ///   - readsOwn: Otherwise `own` is not told.
    ///   - readsControllers: Otherwise all that a kernel may have are told.
    /// - Returns: Nil where not the whole of version 2 is mounted there, or this process is in a
    ///   namespace of cgroups.
    static func unified(readsOwn: Bool, readsControllers: Bool) -> Hierarchies? {
        let place = "/sys/fs/cgroup"
        // Numbers that the kernel gives to nothing else: that of the root of every hierarchy, and
        // of the first namespace (PROC_CGROUP_INIT_INO).
        guard let root = try? HostPath.open(place, [.path, .directory]),
            (try? FileSystemMagic.of(root.borrowed)) == .cgroup2,
            (try? FileStatus.of(root.borrowed))?.inode == 1,
            (try? FileStatus.of(path: "/proc/self/ns/cgroup"))?.inode == 0xEFFF_FFFB,
            let memberships = readsOwn
                ? try? HostPath.readShort("/proc/self/cgroup") : Array("0::/".utf8)
        else { return nil }
        var found = Hierarchies([CgroupMount(versionTwoAt: place)], memberships)
        found.version2?.controllers =
            readsControllers
            ? GroupFile.words(place, "cgroup.controllers") : Version2.controllers
        return found.version2 == nil ? nil : found
    }

    /// - Parameters:
    ///   - mounts: `/proc/self/mountinfo`.
    ///   - memberships: `/proc/self/cgroup`: lines of `id:controllers:path`.
    init(mounts: [UInt8], memberships: [UInt8]) {
        self.init(CgroupMount.all(KernelText(mounts)), memberships)
    }

    private init(_ mounts: [CgroupMount], _ memberships: [UInt8]) {
        version1 = []
        let text = KernelText(memberships)
        for line in text.lines {
            let fields = text.fields(line, UInt8(ascii: ":"), atMost: 3)
            guard fields.count == 3 else { continue }
            let isVersion2 = fields[1].isEmpty
            // A hierarchy that is not mounted needs no strings.
            if !mounts.contains(where: { $0.isVersion2 == isVersion2 }) { continue }
            let controllers = text.fields(fields[1], UInt8(ascii: ",")).map(text.string)
            let path = text.string(fields[2])
            for mount in mounts where isVersion2 ? mount.isVersion2 : mount.has(controllers) {
                guard let own = mount.inside(path) else { continue }
                let found = Hierarchy(
                    controllers: isVersion2 ? [] : controllers, mountPoint: mount.point, own: own,
                    guardsNamespaces: mount.guardsNamespaces)
                if isVersion2 { version2 = found } else { version1.append(found) }
                break
            }
        }
    }

    /// The same of texts.
    init(mounts: String, memberships: String) {
        self.init(mounts: Array(mounts.utf8), memberships: Array(memberships.utf8))
    }

    /// The hierarchy of version 1 that has `controller`.
    func version1(with controller: String) -> Hierarchy? {
        version1.first { $0.controllers.contains(controller) }
    }

    /// Whether version 2 has `controller` to offer. Devices and the freezer are no controllers
    /// there, but part of every cgroup.
    func version2Offers(_ controller: String) -> Bool {
        guard let version2 else { return false }
        return ["devices", "freezer", "cgroup"].contains(controller)
            || version2.controllers.contains(controller)
    }
}

/// A line of mountinfo that is about cgroups (proc_pid_mountinfo(5)).
private struct CgroupMount {
    let isVersion2: Bool
    let root: String
    let point: String
    private let options: [String]

    /// Those that can be reached: the table has what others are mounted over as well.
    static func all(_ text: KernelText) -> [CgroupMount] {
        var found: [CgroupMount] = []
        for line in text.lines {
            if !found.isEmpty {
                // Later lines of the table cover earlier ones.
                let fields = text.fields(line, UInt8(ascii: " "), atMost: 6)
                let point = fields.count > 4 ? text.unescaped(fields[4]) : ""
                found.removeAll { $0.point == point || $0.point.hasPrefix(point + "/") }
            }
            if let mount = CgroupMount(text, line) { found.append(mount) }
        }
        return found
    }

    /// Nil for a line of another file system: most are, and cost no string.
    private init?(_ text: KernelText, _ line: KernelText.Part) {
        guard let after = text.end(of: " - ", in: line) else { return nil }
        isVersion2 = text.part(after, begins: "cgroup2 ")
        guard isVersion2 || text.part(after, begins: "cgroup ") else { return nil }
        let before = text.fields(line, UInt8(ascii: " "))
        let behind = text.fields(after, UInt8(ascii: " "))
        guard before.count > 4, behind.count > 2 else { return nil }
        root = text.unescaped(before[3])
        point = text.unescaped(before[4])
        options = text.fields(behind[2], UInt8(ascii: ",")).map(text.string)
    }

    init(versionTwoAt point: String) {
        isVersion2 = true
        root = "/"
        self.point = point
        options = []
    }

    var guardsNamespaces: Bool { isVersion2 && options.contains("nsdelegate") }

    func has(_ controllers: [String]) -> Bool {
        !isVersion2 && controllers.allSatisfy(options.contains)
    }

    /// A cgroup's path from this mount's point; nil when the mount does not show it.
    func inside(_ path: String) -> String? {
        if root == "/" { return path }
        if path == root { return "/" }
        return path.hasPrefix(root + "/") ? String(path.dropFirst(root.count)) : nil
    }
}
