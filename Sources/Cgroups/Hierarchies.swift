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
        /// Of version 2: nobody in a namespace of cgroups changes the limits of its root
        /// (`nsdelegate`).
        public var guardsNamespaces = false

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
    public static func read(of process: Int32? = nil) throws(SystemCallError) -> Hierarchies {
        func text(_ path: String) throws(SystemCallError) -> String {
            let bytes = try attempt("read", "\"\(path)\"") { () throws(Errno) in
                try HostPath.read(path)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        var found = Hierarchies(
            mounts: try text("/proc/self/mountinfo"),
            memberships: try text("/proc/\(process.map(String.init) ?? "self")/cgroup"))
        if let unified = found.version2 {
            found.version2?.controllers = try text(unified.mountPoint + "/cgroup.controllers")
                .split { $0 == " " || $0 == "\n" }.map(String.init)
        }
        return found
    }

    /// - Parameters:
    ///   - mounts: `/proc/self/mountinfo`.
    ///   - memberships: `/proc/self/cgroup`: lines of `id:controllers:path`.
    init(mounts: String, memberships: String) {
        let mounts = mounts.split(separator: "\n").compactMap { CgroupMount($0) }
        version1 = []
        for line in memberships.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let controllers = fields[1].split(separator: ",").map(String.init)
            let path = String(fields[2])
            for mount in mounts
            where controllers.isEmpty ? mount.isVersion2 : mount.has(controllers) {
                guard let own = mount.inside(path) else { continue }
                let found = Hierarchy(
                    controllers: controllers, mountPoint: mount.point, own: own,
                    guardsNamespaces: mount.guardsNamespaces)
                if controllers.isEmpty { version2 = found } else { version1.append(found) }
                break
            }
        }
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
    private let options: [Substring]

    init?(_ line: Substring) {
        guard let dash = line.range(of: " - ") else { return nil }
        let before = line[..<dash.lowerBound].split(separator: " ")
        let after = line[dash.upperBound...].split(separator: " ")
        guard before.count > 4, after.count > 2, after[0] == "cgroup" || after[0] == "cgroup2"
        else { return nil }
        isVersion2 = after[0] == "cgroup2"
        root = CgroupMount.unescaped(before[3])
        point = CgroupMount.unescaped(before[4])
        options = after[2].split(separator: ",")
    }

    var guardsNamespaces: Bool { isVersion2 && options.contains("nsdelegate") }

    func has(_ controllers: [String]) -> Bool {
        !isVersion2 && controllers.allSatisfy { options.contains(Substring($0)) }
    }

    /// A cgroup's path from this mount's point; nil when the mount does not show it.
    func inside(_ path: String) -> String? {
        if root == "/" { return path }
        if path == root { return "/" }
        return path.hasPrefix(root + "/") ? String(path.dropFirst(root.count)) : nil
    }

    /// Without the kernel's octal escapes: `\040` is a space.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x5c, rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Substring {
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
