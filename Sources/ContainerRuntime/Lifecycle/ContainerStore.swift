internal import Cgroups
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Where the states of containers are kept: a directory each.
///
///     ROOT/ID/state.json    what is known of it
///     ROOT/ID/groups.json   its groups, from before they are made
///     ROOT/ID/config.json   the config it was created from, as it was then
///     ROOT/ID/exec.fifo     while it waits for its start
///     ROOT/ID/notify        where the program says that it is ready, if somebody wants to know
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

    /// A container that exists.
    ///
    /// - Throws: `container "x" does not exist`.
    public func find(_ id: ContainerID) throws(RuntimeError) -> StoredContainer {
        do throws(Errno) {
            let directory = try HostPath.open(directory(id), [.readOnly, .directory])
            return StoredContainer(id: id, store: self, directory: HeldDescriptor(directory))
        } catch .noSuchFileOrDirectory {
            throw RuntimeError.missing(id)
        } catch {
            throw RuntimeError(
                "the state of container \"\(id.text)\" cannot be read: \(directory(id)):"
                    + " \(error.words)", exitCode: 1)
        }
    }

    /// The names of all containers, in order. A root that is not there holds none, and stays so.
    ///
    /// - Parameter mustExist: One that is not there is an error.
    public func identifiers(mustExist: Bool = false) throws(RuntimeError) -> [String] {
        do throws(Errno) {
            let folder = try HostPath.open(root, [.readOnly, .directory])
            return try folder.borrowed.entries().sorted()
        } catch .noSuchFileOrDirectory where !mustExist {
            return []
        } catch {
            throw RuntimeError("\(root): \(error.words)", exitCode: 1)
        }
    }

    /// What is told of every container, in the order of their names.
    ///
    /// - Parameter failed: Takes the name of one that cannot be read, and why.
    public func reports(
        mustExist: Bool, failed: (String, RuntimeError) -> Void
    ) throws(RuntimeError) -> [StoredContainer.Report] {
        let names = try identifiers(mustExist: mustExist)
        guard !names.isEmpty, let folder = try? HostPath.open(root, [.path, .directory]) else {
            return []
        }
        var reports: [StoredContainer.Report] = []
        reports.reserveCapacity(names.count)
        for name in names {
            do throws(RuntimeError) {
                reports.append(try report(try ContainerID(name), in: folder.borrowed))
            } catch {
                failed(name, error)
            }
        }
        return reports
    }

    private func report(
        _ id: ContainerID, in folder: FileDescriptor
    ) throws(RuntimeError) -> StoredContainer.Report {
        let place = "\(id.text)/\(ContainerStore.stateName)"
        // All there is to say of one that has ended is in there.
        if let state = try state(of: id, folder, place), state.process ?? state.creator == nil {
            return StoredContainer.Report(state: state, status: .stopped)
        }
        return try find(id).report()
    }

    /// Nil for one whose creation has not come far enough to write it down.
    ///
    /// - Parameter name: Of the file with it, in `folder`.
    fileprivate func state(
        of id: ContainerID, _ folder: FileDescriptor, _ name: String
    ) throws(RuntimeError) -> ContainerState? {
        var path: String { "\(directory(id))/\(ContainerStore.stateName)" }
        let bytes: [UInt8]
        do throws(Errno) {
            // Named: what is not would be closed before it is read.
            let file = try folder.open(name, .readOnly)
            bytes = try file.borrowed.readShort()
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw RuntimeError("\(path): \(error.words)", exitCode: 1)
        }
        guard let document = try? JSONDocument(bytes), let state = ContainerState(document.root)
        else {
            throw RuntimeError(
                "\(path) is damaged; \"vfs-run delete --force \(id.text)\" removes the container",
                exitCode: 1)
        }
        return state
    }

    /// Takes the name: of many who want it at once one gets it.
    ///
    /// - Returns: The container, locked, with nothing in it.
    func reserve(_ id: ContainerID) throws(StepError) -> StoredContainer {
        let path = directory(id)
        do throws(Errno) {
            try HostPath.makeDirectories(root, mode: 0o700)
            let parent = try HostPath.open(root, [.readOnly, .directory])
            try parent.borrowed.makeDirectory(id.text, mode: 0o700)
            let directory = try parent.borrowed.open(id.text, [.readOnly, .directory])
            try directory.borrowed.lock(exclusive: true)
            return StoredContainer(id: id, store: self, directory: HeldDescriptor(directory))
        } catch .fileExists {
            throw StepError("container with given ID already exists: \"\(id.text)\"")
        } catch {
            throw StepError(
                SystemCallError("mkdir", path.inQuotes, error),
                error == .permissionDenied || error == .noSuchFileOrDirectory
                    ? "set XDG_RUNTIME_DIR to a directory of your own, or name one by --root" : nil)
        }
    }
}

/// A container's directory.
public struct StoredContainer: Sendable {
    public let id: ContainerID
    let store: ContainerStore
    let directory: HeldDescriptor

    /// How many seconds another command may take.
    private static let patience: UInt64 = 10

    /// Waits until no other command changes this container; held until the process ends, or
    /// `unlock`.
    func lock() throws(RuntimeError) {
        do throws(Errno) {
            try directory.borrowed.waitForLock(
                until: Clock.deadline(seconds: StoredContainer.patience))
        } catch .timedOut {
            throw RuntimeError(
                "another command has been changing the container \"\(id.text)\" for"
                    + " \(StoredContainer.patience) seconds; try again when it has ended, or find it"
                    + " with: fuser -v \(store.directory(id))", exitCode: 1)
        } catch {
            throw RuntimeError(
                "flock \(store.directory(id).inQuotes): \(error.words)", exitCode: 1)
        }
        do {
            // Whoever held it may have removed the container, and somebody else have made it anew.
            let path = store.directory(id)
            let here = try FileStatus.of(directory.borrowed)
            let there = try FileStatus.of(path: path)
            if here.inode != there.inode || here.device != there.device {
                throw Errno.noSuchFileOrDirectory
            }
        } catch {
            throw RuntimeError.missing(id)
        }
    }

    func unlock() { try? directory.borrowed.unlock() }

    /// Puts what is known in its place, in one go.
    func write(_ state: ContainerState) throws(Errno) {
        try directory.borrowed.replaceFile(
            ContainerStore.stateName, with: state.encoded, mode: 0o600)
    }

    /// Writes down which groups it is about to have, in the place of what was announced before.
    func announce(_ groups: ResourceGroups) throws(Errno) {
        let file = try directory.borrowed.open(
            ContainerStore.groupsName, [.create, .truncate, .writeOnly], mode: 0o600)
        try file.borrowed.write(all: Array(JSONOutput.object(groups.members).compactText.utf8))
    }

    /// What has been announced: it may be there or not, and be anybody's.
    var announcedGroups: ResourceGroups {
        guard let file = try? directory.borrowed.open(ContainerStore.groupsName, .readOnly),
            let bytes = try? file.borrowed.readAll(), let document = try? JSONDocument(bytes)
        else { return ResourceGroups() }
        return ResourceGroups(document.root)
    }

    /// Nil for one whose creation has not come far enough to write it down.
    func state() throws(RuntimeError) -> ContainerState? {
        try store.state(of: id, directory.borrowed, ContainerStore.stateName)
    }

    /// What it is doing now.
    func status(_ state: ContainerState) -> ContainerStatus {
        guard let process = state.process else {
            return state.creator?.isAlive == true ? .creating : .stopped
        }
        if !process.isAlive { return .stopped }
        if !state.groups.cgroup.isEmpty && state.groups.controlGroup.isFrozen { return .paused }
        guard (try? FileStatus.of(ContainerStore.fifoName, in: directory.borrowed)) != nil else {
            return .running
        }
        // The fifo may be there when it has been started by somebody who died before removing it;
        // until it becomes the program, the init process runs from a sealed mount of the runtime's
        // binary, whose path reads "/".
        do throws(Errno) {
            let binary = try HostPath.linkTarget("/proc/\(process.pid)/exe")
            return binary == "/" ? .created : .running
        } catch .noSuchFileOrDirectory, .noSuchProcess {
            // It is about to be gone: its memory is already.
            return .stopped
        } catch .permissionDenied {
            // What hides itself from its user is the runtime's own.
            return .created
        } catch {
            return .running
        }
    }

    /// Removes the directory and everything the runtime keeps in it.
    func remove() throws(RuntimeError) {
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
            let parent = try HostPath.open(store.root, [.readOnly, .directory])
            try parent.borrowed.removeDirectory(id.text)
        } catch .noSuchFileOrDirectory {
            // Somebody else has been removing it at the same time.
        } catch {
            throw RuntimeError(
                "\(store.directory(id)) cannot be removed: \(error.words)", exitCode: 1)
        }
    }
}

extension RuntimeError {
    static func missing(_ id: ContainerID) -> RuntimeError {
        var error = RuntimeError("container \"\(id.text)\" does not exist", exitCode: 1)
        error.isMissing = true
        return error
    }
}
