internal import CLinux
internal import Glibc
public import SystemPackage

/// A range of ids of a user namespace and the ids outside that they stand for
/// (user_namespaces(7)).
public struct IDRange: Sendable, Hashable {
    /// The first one in the namespace.
    public var inside: UInt32
    /// The first one in its parent.
    public var outside: UInt32
    public var count: UInt32

    public init(inside: UInt32, outside: UInt32, count: UInt32) {
        self.inside = inside
        self.outside = outside
        self.count = count
    }

    var isValid: Bool {
        count > 0 && UInt64(inside) + UInt64(count) <= 1 << 32
            && UInt64(outside) + UInt64(count) <= 1 << 32
    }
}

/// The user ids or the group ids of a user namespace.
public struct IDMap: Sendable, Hashable {
    public var ranges: [IDRange]

    public init(_ ranges: [IDRange]) { self.ranges = ranges }

    /// The outside id of an inside one; nil where it is not mapped.
    public func outside(of id: UInt32) -> UInt32? {
        for range in ranges where id >= range.inside && id - range.inside < range.count {
            return range.outside + (id - range.inside)
        }
        return nil
    }

    public func maps(_ id: UInt32) -> Bool { outside(of: id) != nil }

    /// The id inside that an id outside stands behind; nil where there is none.
    public func inside(of id: UInt32) -> UInt32? {
        for range in ranges where id >= range.outside && id - range.outside < range.count {
            return range.inside + (id - range.outside)
        }
        return nil
    }

    /// Whether an id outside stands behind one inside.
    public func reaches(_ id: UInt32) -> Bool { inside(of: id) != nil }

    /// As the kernel reads it: a line a range.
    public var text: String {
        ranges.map { "\($0.inside) \($0.outside) \($0.count)\n" }.joined()
    }

    /// The kernel takes 340 ranges, and less than a page of text.
    public var isTooLong: Bool { ranges.count > 340 || text.utf8.count >= 4096 }

    /// As the kernel shows it: `/proc/self/uid_map`.
    ///
    /// - Returns: Nil for what is no such file's content.
    public init?(parsing bytes: [UInt8]) {
        ranges = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let numbers = line.split(separator: " ").map { UInt32($0) }
            guard numbers.count == 3, let inside = numbers[0], let outside = numbers[1],
                let count = numbers[2]
            else { return nil }
            ranges.append(IDRange(inside: inside, outside: outside, count: count))
        }
    }
}

/// The outside ids of the ids of a user namespace.
public struct IDMappings: Sendable, Hashable {
    public var users: IDMap
    public var groups: IDMap

    public init(users: IDMap, groups: IDMap) {
        self.users = users
        self.groups = groups
    }

    /// The mappings that this process has.
    public static func ofThisProcess() throws(Errno) -> IDMappings {
        try of(process: "self")
    }

    /// Those of a process, with the ids that this one's user namespace has for them.
    ///
    /// - Parameter process: Its directory in `/proc`.
    public static func of(process: String) throws(Errno) -> IDMappings {
        guard let users = IDMap(parsing: try HostPath.read("/proc/\(process)/uid_map")),
            let groups = IDMap(parsing: try HostPath.read("/proc/\(process)/gid_map"))
        else { throw .invalidArgument }
        return IDMappings(users: users, groups: groups)
    }

    /// Writes them for a process in a new user namespace. Once, and only by a process with the
    /// right in the parent.
    ///
    /// - Parameters:
    ///   - process: Its directory in `/proc`: a pid, or `self`.
    ///   - forbidsGroups: No process in it may drop a group, which could be there to forbid
    ///     something. The kernel wants that before it takes a map of groups from a process
    ///     without CAP_SETGID.
    ///
    /// The corresponding C function is `write`.
    public func write(
        to process: String, forbidsGroups: Bool
    ) throws(Failure) {
        if forbidsGroups { try IDMappings.write("deny", to: process, "setgroups") }
        try IDMappings.write(users.text, to: process, "uid_map")
        try IDMappings.write(groups.text, to: process, "gid_map")
    }

    private static func write(
        _ text: String, to process: String, _ name: String
    ) throws(Failure) {
        let path = "/proc/\(process)/\(name)"
        try attempt("write", "\"\(path)\"") { () throws(Errno) in
            let file = try HostPath.open(path, .writeOnly)
            // In one go: the kernel takes no second part.
            try file.borrowed.write(all: Array(text.utf8))
        }
    }
}

extension IDMappings {
    /// A user namespace without processes, with these mappings: mounts are id-mapped by it.
    public func makeNamespace() throws(Failure) -> OwnedDescriptor {
        var outcome: Result<Void, Failure> = .success(())
        let made = try IDMappings.makeNamespace { process in
            outcome = Result { () throws(Failure) in
                try write(to: String(process), forbidsGroups: false)
            }
        }
        try outcome.get()
        return made
    }

    /// The same with mappings that another process writes.
    ///
    /// - Parameter write: Gives them to the process with this pid.
    public static func makeNamespace(
        mappedBy write: (Int32) -> Void
    ) throws(Failure) -> OwnedDescriptor {
        let sleeper = try attempt(
            "clone3", "CLONE_NEWUSER",
            try check(clinux_spawn_sleeper(CInt(NamespaceSet.user.rawValue))))
        defer { _ = clinux_end_sleeper(sleeper) }
        write(sleeper)
        let path = "/proc/\(sleeper)/ns/user"
        return try attempt("open", on: path, try HostPath.open(path, .readOnly))
    }

    /// The mappings of a user namespace, as seen from this process's.
    public static func of(_ namespace: FileDescriptor) throws(Failure) -> IDMappings {
        let answers = try attempt("clone3", "") { () throws(Errno) in
            try ChildProcess.runAside([]) { channel in
                // Where it cannot say so, nothing to be received says that it failed.
                do throws(Errno) {
                    try namespace.joinNamespace(.user)
                } catch {
                    _ = try? channel.send([Answer.notJoined, UInt8(clamping: error.rawValue)])
                    return
                }
                do throws(Errno) {
                    let found = try ofThisProcess()
                    for map in [found.users, found.groups] {
                        try channel.send([Answer.map] + Array(map.text.utf8))
                    }
                } catch {
                    _ = try? channel.send([Answer.notRead, UInt8(clamping: error.rawValue)])
                }
            }
        }
        let users = try Answer.map(answers)
        return IDMappings(users: users, groups: try Answer.map(answers))
    }

    /// The message of the process in a user namespace: a byte, and the text of a map or an errno.
    private enum Answer {
        static let map: UInt8 = 0
        static let notJoined: UInt8 = 1
        static let notRead: UInt8 = 2

        static func map(_ channel: borrowing Channel) throws(Failure) -> IDMap {
            let joining = ("setns", "to the user namespace")
            let message = try attempt(joining.0, joining.1) { () throws(Errno) in
                guard let bytes = try channel.receive()?.bytes else { throw .noSuchProcess }
                return bytes
            }
            let call = message[0] == notJoined ? joining : ("read", "\"/proc/self/uid_map\"")
            return try attempt(call.0, call.1) { () throws(Errno) in
                let content = message.dropFirst()
                if message[0] != map { throw Errno(rawValue: CInt(content.first ?? 0)) }
                guard let map = IDMap(parsing: Array(content)) else { throw .invalidArgument }
                return map
            }
        }
    }
}

/// The user namespace this process is in.
public enum OwnUserNamespace {
    /// Whether it is the machine's first one, whose inode number is fixed
    /// (`PROC_USER_INIT_INO`). True where it cannot be told.
    public static var isInitial: Bool {
        guard let found = try? FileStatus.of(path: "/proc/self/ns/user") else { return true }
        return found.inode == 0xEFFF_FFFD
    }

    /// The id that a file has here whose owner the namespace does not know: `overflowuid` and
    /// `overflowgid` of proc(5), which nobody changes.
    private static let unknownID: UInt32 = 65534

    /// Whether an id of a file stands for all owners that the namespace does not know.
    public static func isUnknown(_ id: UInt32) -> Bool { id == unknownID && !isInitial }
}
