internal import Cgroups
internal import JSON
public import LinuxSystem
internal import SystemPackage

/// Where the states of containers are kept: a directory each.
///
///     ROOT/ID/state.json    what is known of it
///     ROOT/ID/groups.json   its groups, from before they are made
///     ROOT/ID/config.json   the config it was created from, as it was then
///     ROOT/ID/exec.fifo     while it waits for its start
///     ROOT/ID/notify        where the program says that it is ready, if NOTIFY_SOCKET is set
public struct ContainerStore: Sendable {
    /// Absolute.
    public let root: String

    static let stateName = "state.json"
    static let groupsName = "groups.json"
    static let configName = "config.json"
    static let fifoName = "exec.fifo"

    public init(root: String) {
        self.root = root
    }

    func directory(_ id: ContainerID) -> String { "\(root)/\(id.text)" }

    /// What lies here names programs that are run, processes that are killed and directories that
    /// are removed.
    ///
    /// - Throws: It belongs to another user, or others may write to it.
    private func requireOwn(
        _ directory: FileDescriptor, _ path: String
    ) throws(Failure) {
        let status: FileStatus
        do throws(Errno) {
            status = try FileStatus.of(directory)
        } catch {
            throw Failure("\(path): \(error.words)")
        }
        guard let reason = status.foreignness else { return }
        throw Failure(
            "the states of containers in \(path) are not believed: \(reason); name a directory of"
                + " this user's own by --root, or by XDG_RUNTIME_DIR")
    }

    /// The root, for names in it; nil where there is none.
    private func openRoot() throws(Failure) -> HeldDescriptor? {
        let opened: HeldDescriptor
        do throws(Errno) {
            opened = HeldDescriptor(try HostPath.open(root, [.readOnly, .directory]))
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure("\(root): \(error.words)")
        }
        try requireOwn(opened.borrowed, root)
        return opened
    }

    private func open(
        _ id: ContainerID, in root: HeldDescriptor
    ) throws(Failure) -> StoredContainer {
        let opened: HeldDescriptor
        do throws(Errno) {
            opened = HeldDescriptor(
                try root.borrowed.open(id.text, [.readOnly, .directory]))
        } catch .noSuchFileOrDirectory {
            throw Failure.missing(id)
        } catch {
            throw Failure(
                "the state of container \"\(id.text)\" cannot be read: \(directory(id)):"
                    + " \(error.words)")
        }
        try requireOwn(opened.borrowed, directory(id))
        return StoredContainer(id: id, store: self, root: root, directory: opened)
    }

    /// A container that exists.
    ///
    /// - Throws: `container "x" does not exist`.
    public func find(_ id: ContainerID) throws(Failure) -> StoredContainer {
        guard let root = try openRoot() else { throw Failure.missing(id) }
        return try open(id, in: root)
    }

    /// The names of all containers, in order. A root that is not there holds none, and stays so.
    ///
    /// - Parameter mustExist: One that is not there is an error.
    public func identifiers(mustExist: Bool = false) throws(Failure) -> [String] {
        guard let folder = try openRoot() else {
            if !mustExist { return [] }
            throw Failure("\(root): \(Errno.noSuchFileOrDirectory.words)")
        }
        return try names(in: folder)
    }

    private func names(in folder: HeldDescriptor) throws(Failure) -> [String] {
        do throws(Errno) {
            return try folder.borrowed.entries().sorted()
        } catch {
            throw Failure("\(root): \(error.words)")
        }
    }

    /// What is told of every container, in the order of their names.
    ///
    /// - Parameter failed: Takes the name of one that cannot be read, and why.
    public func reports(
        mustExist: Bool, failed: (String, Failure) -> Void
    ) throws(Failure) -> [StoredContainer.Report] {
        let names = try identifiers(mustExist: mustExist)
        guard !names.isEmpty, let folder = try openRoot() else { return [] }
        var reports: [StoredContainer.Report] = []
        reports.reserveCapacity(names.count)
        for name in names {
            do throws(Failure) {
                reports.append(try report(try ContainerID(name), in: folder))
            } catch {
                failed(name, error)
            }
        }
        return reports
    }

    private func report(
        _ id: ContainerID, in folder: HeldDescriptor
    ) throws(Failure) -> StoredContainer.Report {
        let place = "\(id.text)/\(ContainerStore.stateName)"
        // All there is to say of one that has ended is in there.
        if let state = try state(of: id, folder.borrowed, place),
            state.process ?? state.creator == nil
        {
            return StoredContainer.Report(state: state, status: .stopped)
        }
        return try open(id, in: folder).report()
    }

    /// Nil for one whose creation has not come far enough to write it down.
    ///
    /// - Parameter name: Of the file with it, in `folder`.
    fileprivate func state(
        of id: ContainerID, _ folder: FileDescriptor, _ name: String
    ) throws(Failure) -> ContainerState? {
        var path: String { "\(directory(id))/\(ContainerStore.stateName)" }
        let bytes: [UInt8]
        do throws(Errno) {
            // Named: what is not would be closed before it is read.
            let file = try folder.openOwn(name)
            bytes = try file.borrowed.readShort()
        } catch .noSuchFileOrDirectory {
            return nil
        } catch .notPermitted {
            throw Failure(
                "\(path) is not believed (\(Errno.notPermitted.words)): it is no file of this user's own"
                    + " that no other user may write to")
        } catch {
            throw Failure("\(path): \(error.words)")
        }
        do throws(Errno) {
            if let document = try? JSONDocument(bytes),
                let state = try ContainerState(document.root)
            {
                return state
            }
        } catch {
            throw Failure(
                "which run of the machine this is cannot be read, and with it whether container"
                    + " \"\(id.text)\" runs: /proc/sys/kernel/random/boot_id: \(error.words)")
        }
        var error = Failure(
            "\(path) is damaged; \"vfs-run delete --force \(id.text)\" removes the container")
        error.kind = .damaged
        throw error
    }

    /// Takes the name: of many who want it at once one gets it.
    ///
    /// - Returns: The container, locked, with nothing in it.
    func reserve(_ id: ContainerID) throws(Failure) -> StoredContainer {
        let path = directory(id)
        let parent: HeldDescriptor?
        do throws(Errno) {
            try HostPath.makeDirectories(root, mode: 0o700)
        } catch {
            throw cannotMake(path, error)
        }
        do throws(Failure) {
            parent = try openRoot()
        } catch {
            throw error
        }
        guard let parent else { throw cannotMake(path, .noSuchFileOrDirectory) }
        do throws(Errno) {
            guard let name = FileName(id.text) else { throw .invalidArgument }
            let made = try parent.borrowed.makePlainDirectory(name, mode: 0o700)
            try made.borrowed.lock(exclusive: true)
            return StoredContainer(
                id: id, store: self, root: parent, directory: HeldDescriptor(made))
        } catch .fileExists {
            throw Failure("container with given ID already exists: \"\(id.text)\"")
        } catch {
            throw cannotMake(path, error)
        }
    }

    private func cannotMake(_ path: String, _ error: Errno) -> Failure {
        Failure(
            "mkdir", path.inQuotes, error,
            advice: error == .permissionDenied || error == .noSuchFileOrDirectory
                ? "set XDG_RUNTIME_DIR to a directory of your own, or name one by --root" : nil)
    }
}

/// A container's directory.
public struct StoredContainer: Sendable {
    public let id: ContainerID
    let store: ContainerStore
    /// Of the store.
    let root: HeldDescriptor
    let directory: HeldDescriptor

    /// How many seconds another command may take.
    private static let patience: UInt64 = 10

    /// Waits until no other command changes this container; held until the process ends, or
    /// `unlock`.
    func lock() throws(Failure) {
        do throws(Errno) {
            try directory.borrowed.waitForLock(
                until: Clock.deadline(seconds: StoredContainer.patience))
        } catch .timedOut {
            throw Failure(
                "another command has been changing the container \"\(id.text)\" for"
                    + " \(StoredContainer.patience) seconds; try again when it has ended, or find it"
                    + " with: fuser -v \(store.directory(id))")
        } catch {
            throw Failure(
                "flock \(store.directory(id).inQuotes): \(error.words)")
        }
        do throws(Errno) {
            // The one who held it may have removed the container, and another have made it anew.
            let here = try FileStatus.of(directory.borrowed)
            let there = try FileStatus.of(id.text, in: root.borrowed)
            if !here.isSame(as: there) { throw Errno.noSuchFileOrDirectory }
        } catch .noSuchFileOrDirectory {
            throw Failure.missing(id)
        } catch {
            throw Failure("stat \(store.directory(id).inQuotes): \(error.words)")
        }
    }

    func unlock() { try? directory.borrowed.unlock() }

    /// Puts what is known in its place, in one go.
    func write(_ state: ContainerState) throws(Errno) {
        try directory.borrowed.replaceFile(
            ContainerStore.stateName, with: try state.encoded(), mode: 0o600)
    }

    /// Writes down which groups it is about to have, in the place of what was announced before.
    func announce(_ groups: ResourceGroups) throws(Errno) {
        let file = try directory.borrowed.open(
            ContainerStore.groupsName, [.create, .truncate, .writeOnly], mode: 0o600)
        try file.borrowed.write(all: Array(JSONOutput.object(groups.members).compactText.utf8))
    }

    /// The groups that were recorded before they were made. They may not exist, and other processes
    /// may be in them.
    ///
    /// - Throws: The record exists and cannot be read.
    var announcedGroups: ResourceGroups {
        get throws(Failure) {
            let bytes: [UInt8]
            do throws(Errno) {
                // Kept in a variable: a temporary would be closed before the read.
                let file = try directory.borrowed.openOwn(ContainerStore.groupsName)
                bytes = try file.borrowed.readAll()
            } catch .noSuchFileOrDirectory {
                return ResourceGroups()
            } catch {
                throw Failure("read", "the groups of \(id.text)", error)
            }
            // A start that was killed while it wrote the record has made no group yet.
            guard let document = try? JSONDocument(bytes) else { return ResourceGroups() }
            return ResourceGroups(document.root)
        }
    }

    /// Nil for one whose creation has not come far enough to write it down.
    func state() throws(Failure) -> ContainerState? {
        try store.state(of: id, directory.borrowed, ContainerStore.stateName)
    }

    /// What it is doing now.
    ///
    /// - Throws: That cannot be looked at.
    func status(_ state: ContainerState) throws(Failure) -> ContainerStatus {
        do throws(Errno) {
            return try examine(state)
        } catch {
            let pid = (state.process ?? state.creator)?.pid ?? 0
            throw Failure(
                "whether container \"\(id.text)\" runs cannot be told: its process \(pid), or"
                    + " \(store.directory(id)): \(error.words)")
        }
    }

    private func examine(_ state: ContainerState) throws(Errno) -> ContainerStatus {
        guard let process = state.process else {
            return try state.creator?.isAlive == true ? .creating : .stopped
        }
        if try !process.isAlive { return .stopped }
        if !state.groups.cgroup.isEmpty, try state.groups.controlGroup.isPaused { return .paused }
        do throws(Errno) {
            _ = try FileStatus.of(ContainerStore.fifoName, in: directory.borrowed)
        } catch .noSuchFileOrDirectory {
            return .running
        }
        // The fifo may be there when a `start` died before it removed it. Until it becomes the program, the init process runs from a sealed mount of the runtime's
        // binary, whose path reads "/".
        do throws(Errno) {
            let program = state.program ?? process
            let binary = try HostPath.linkTarget("/proc/\(program.pid)/exe")
            return binary == "/" ? .created : .running
        } catch .noSuchFileOrDirectory, .noSuchProcess {
            // It is about to be gone: its memory is already.
            return .stopped
        } catch .permissionDenied {
            // What hides itself from its user is the runtime's own.
            return .created
        }
    }

    /// Removes the directory and everything the runtime keeps in it.
    func remove() throws(Failure) {
        // These take no descriptor: there may be none to be had.
        for name in [
            ContainerStore.stateName, ContainerStore.groupsName, ContainerStore.configName,
            ContainerStore.fifoName,
        ] {
            // Where it fails, so does what follows.
            try? directory.borrowed.remove(name)
        }
        if (try? root.borrowed.removeDirectory(id.text)) != nil { return }
        do throws(Errno) {
            for name in try directory.borrowed.entries() {
                do throws(Errno) {
                    try directory.borrowed.remove(name)
                } catch .isDirectory {
                    let folder = try directory.borrowed.open(name, [.readOnly, .directory])
                    for inner in try folder.borrowed.entries() {
                        try folder.borrowed.remove(inner)
                    }
                    try directory.borrowed.removeDirectory(name)
                }
            }
            try root.borrowed.removeDirectory(id.text)
        } catch .noSuchFileOrDirectory {
            // Another `delete` has removed it at the same time.
        } catch {
            throw Failure(
                "\(store.directory(id)) cannot be removed: \(error.words)")
        }
    }
}

extension Failure {
    static func missing(_ id: ContainerID) -> Failure {
        var error = Failure("container \"\(id.text)\" does not exist")
        error.kind = .missing
        return error
    }
}
