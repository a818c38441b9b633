internal import LinuxSystem
internal import SystemPackage

/// What the ids of a user namespace that is joined are outside: files of the container's are to
/// belong to them.
struct FindMappings: Step {
    let path: String
    /// What the config says they are.
    let expected: IDMappings?

    let side = Side.runtime
    var summary: String { "read the id mappings of the user namespace \(path)" }

    func apply(_ context: StartContext) throws(StepError) {
        let file = try stepping("open", path.inQuotes) { () throws(Errno) in
            try HostPath.open(path, .readOnly)
        }
        let found: IDMappings
        do throws(SystemCallError) {
            found = try IDMappings.of(file.borrowed)
        } catch {
            throw StepError(
                error,
                error.errno == .invalidArgument
                    ? "\(path.inQuotes) is no user namespace, or the runtime's own" : nil)
        }
        if let expected, expected != found {
            throw StepError(
                "the user namespace \(path.inQuotes) has other id mappings than linux.uidMappings and"
                    + " linux.gidMappings say; correct them, or leave them out")
        }
        context.idMappings = found
    }
}

/// A new user namespace gets its ids, before anything is made in it: what is made belongs to one.
///
/// Until then its process is nobody, and waits.
struct WriteMappings: Step {
    let mappings: IDMappings
    let writer: Configuration.MappingWriter

    var side: Side { writer == .itself ? .container : .runtime }
    var summary: String {
        let how =
            switch writer {
            case .runtime, .itself: ""
            case .helpers(let users, _): " by \(users)"
            }
        return "map \(mappings.users.words("user")) and \(mappings.groups.words("group"))\(how)"
    }
    let undoing = "the mappings go with the user namespace"

    func apply(_ context: StartContext) throws(StepError) {
        if writer == .itself { return try write(to: nil) }
        try write(to: context.madeProcess().pid)
    }

    /// - Parameter process: Nil for this one.
    func write(to process: Int32?) throws(StepError) {
        if case .helpers(let users, let groups) = writer, let process {
            try MappingHelper(path: users, map: mappings.users).run(process)
            return try MappingHelper(path: groups, map: mappings.groups).run(process)
        }
        do throws(SystemCallError) {
            try mappings.write(
                to: process.map(String.init) ?? "self", forbidsGroups: writer == .itself)
        } catch {
            throw StepError(
                error,
                writer == .itself
                    ? NamespaceGate.adviceOnUse(error.errno) : WriteMappings.advice(error.errno))
        }
    }

    static func advice(_ error: Errno) -> String? {
        switch error {
        case .notPermitted:
            "these ids are not the runtime's to give: it takes CAP_SETUID and CAP_SETGID in its own"
                + " user namespace, and ids that are mapped there"
        case .invalidArgument: "the kernel does not take these ranges"
        default: nil
        }
    }
}

extension IDMap {
    /// For people: `users 0–65535 to 100000–165535`.
    fileprivate func words(_ kind: String) -> String {
        let parts = ranges.map { range in
            range.count == 1
                ? "\(range.inside) to \(range.outside)"
                : "\(range.inside)-\(range.inside &+ (range.count - 1)) to"
                    + " \(range.outside)-\(range.outside &+ (range.count - 1))"
        }
        return "\(kind)s \(parts.joined(separator: ", "))"
    }
}

/// The init process becomes the first of its user namespace's ids: with those of the host, which
/// are not mapped there, it could make no file.
struct BecomeNamespaceRoot: Step {
    /// Nil for the namespace of a container that exists, whose root may be nobody.
    let user: UInt32?
    let group: UInt32?

    init(user: UInt32?, group: UInt32?) {
        self.user = user
        self.group = group
    }

    /// Root, where it is mapped; otherwise whoever the program will be.
    init(mapped mappings: IDMappings?, _ process: Configuration.User) {
        guard let mappings else {
            self.init(user: nil, group: nil)
            return
        }
        self.init(
            user: mappings.users.maps(0) ? 0 : process.userID,
            group: mappings.groups.maps(0) ? 0 : process.groupID)
    }

    let side = Side.container
    var summary: String { "become user \(user ?? 0), group \(group ?? 0) of the user namespace" }

    func apply(_ context: StartContext) throws(StepError) {
        try stepping("setresgid", "\(group ?? 0)") { () throws(Errno) in
            try allowingUnmapped { () throws(Errno) in try Credentials.setGroup(group ?? 0) }
        }
        try stepping("setresuid", "\(user ?? 0)") { () throws(Errno) in
            try allowingUnmapped { () throws(Errno) in
                try Credentials.keepCapabilities(true)
                try Credentials.setUser(user ?? 0)
                try Credentials.keepCapabilities(false)
            }
        }
        // The change of credentials has cleared it.
        try TieToRuntime().apply(context)
    }

    private func allowingUnmapped(_ body: () throws(Errno) -> Void) throws(Errno) {
        do throws(Errno) {
            try body()
        } catch .invalidArgument where user == nil {
        }
    }
}

/// `root.path` of a container with a user namespace, opened by the runtime.
struct OpenRootDirectory: Step {
    let path: String

    let side = Side.runtime
    var summary: String { "open \(path) as the root" }

    func apply(_ context: StartContext) throws(StepError) {
        let directory = try Mountpoint.open(path)
        context.rootTree = try stepping("open_tree", path.inQuotes) { () throws(Errno) in
            let tree = try DetachedMount.clone(directory.borrowed, recursive: true)
            // A clone of a mount that is shared is a peer of the host's: what is mounted in it would
            // be mounted there, and pivot_root refuses it.
            try tree.setPropagation(.slave, recursive: true)
            return BindSource(tree, isDirectory: true)
        }
    }
}

/// What the runtime has made or opened becomes the root, in the container's mount namespace. It goes
/// on top of the host's, where the container's root can reach it whatever it may not enter.
struct AttachRoot: Step {
    let side = Side.container
    let summary = "attach the root"

    func apply(_ context: StartContext) throws(StepError) {
        guard let root = context.rootTree else {
            throw StepError("the plan has not made a root at this point")
        }
        context.root = try stepping("move_mount", "the root") { () throws(Errno) in
            let place = try HostPath.open("/", [.path, .directory])
            try root.tree.attach(to: place.borrowed)
            return HeldRoot(RootDirectory(try OwnedDescriptor.duplicate(root.tree.borrowed)))
        }
    }
}

/// The runtime's own procfs, while the host's is there: the kernel lets a user namespace mount only
/// what it sees.
struct OpenPrivateProc: Step {
    /// Whether it is of the pid namespace that the container joins, for the process in it that waits
    /// for the start.
    var isOfJoined = false

    let side = Side.container
    var summary: String {
        isOfJoined
            ? "open a procfs of the pid namespace that is joined"
            : "open a procfs of the runtime's own"
    }

    func apply(_ context: StartContext) throws(StepError) {
        if isOfJoined { return try context.openJoinedProc() }
        do throws(Errno) {
            context.privateProc = try StartContext.makePrivateProc()
        } catch .notPermitted, .permissionDenied {
            // The processes of another user namespace's pid namespace, or a host that is a
            // container with parts of its procfs covered: as the host has it mounted.
            context.privateProc = try hosts()
        } catch {
            throw StepError(SystemCallError("fsopen", "proc", error))
        }
    }

    private func hosts() throws(StepError) -> HeldRoot {
        let tree = try stepping("open_tree", "\"/proc\"") { () throws(Errno) in
            try DetachedMount.clone("/proc", recursive: true)
        }
        let magic = try stepping("fstatfs", "\"/proc\"") { () throws(Errno) in
            try FileSystemMagic.of(tree.borrowed)
        }
        if magic != .procfs { throw StepError("the host's /proc is no procfs") }
        return HeldRoot(RootDirectory(tree.release()))
    }
}
