internal import ContainerRuntime
public import LinuxSystem
internal import SystemPackage

/// Where kept sandboxes lie: a directory each.
public struct SandboxStore: Sendable {
    /// Absolute.
    public let root: String

    public init(root: String) { self.root = root }

    /// That of the caller: `/var/lib/vfs-run/sandboxes` for root, and by the XDG base directory
    /// specification for others.
    ///
    /// - Throws: The caller has neither XDG_DATA_HOME nor HOME.
    public static func ofCaller() throws(Failure) -> SandboxStore {
        if Credentials.effectiveUser == 0 && OwnUserNamespace.isInitial {
            return SandboxStore(root: "/var/lib/vfs-run/sandboxes")
        }
        if let folder = CurrentProcess.environment("XDG_DATA_HOME"), folder.hasPrefix("/") {
            return SandboxStore(root: folder + "/vfs-run/sandboxes")
        }
        if let home = CurrentProcess.environment("HOME"), home.hasPrefix("/") {
            return SandboxStore(root: home + "/.local/share/vfs-run/sandboxes")
        }
        throw Failure(
            "kept sandboxes have no place: neither XDG_DATA_HOME nor HOME is an absolute path; set"
                + " one of them")
    }

    /// A sandbox that exists.
    ///
    /// - Throws: Of the kind `missing` where it does not; of the kind `damaged` where its record
    ///   cannot be understood.
    public func find(_ name: SandboxName) throws(Failure) -> KeptSandbox {
        guard let folder = try openRoot() else { throw Failure.missing(name) }
        return try open(name, in: folder.borrowed)
    }

    /// The names of all sandboxes, in order.
    public func names() throws(Failure) -> [SandboxName] {
        guard let folder = try openRoot() else { return [] }
        let entries = try attempt("readdir", on: root, try folder.borrowed.entries())
        return entries.sorted().compactMap { name in try? SandboxName(name) }
    }

    /// Ids of the host that the sandboxes have ranges of: one of each range.
    ///
    /// What has been written tells the range of a sandbox whose record is damaged.
    func takenIDs() throws(Failure) -> Set<UInt32> {
        guard let folder = try openRoot() else { return [] }
        var found: Set<UInt32> = []
        for name in try names() {
            do throws(Failure) {
                let record = try open(name, in: folder.borrowed).record
                found.formUnion(record.mappings?.users.ranges.map(\.outside) ?? [])
            } catch {
                if error.kind != .missing { found.formUnion(owners(name, in: folder.borrowed)) }
            }
        }
        return found
    }

    private func owners(_ name: SandboxName, in folder: FileDescriptor) -> [UInt32] {
        guard let directory = try? folder.open(name.text, [.readOnly, .directory]),
            let names = try? directory.borrowed.entries()
        else { return [] }
        return names.compactMap { tree in
            guard let opened = try? directory.borrowed.open(tree, [.path, .directory]) else {
                return nil
            }
            return try? FileStatus.of("upper", in: opened.borrowed).userID
        }
    }

    /// Makes a sandbox, locked.
    ///
    /// - Parameter name: Nil: `box-N`, with the lowest number that is free.
    /// - Throws: Of the kind `taken` where there is one of that name.
    public func make(
        _ name: SandboxName?, mappings: IDMappings? = nil
    ) throws(Failure) -> KeptSandbox {
        try attempt("mkdir", on: root, try HostPath.makeDirectories(root, mode: 0o700))
        guard let folder = try openRoot() else {
            throw Failure("open", root.inQuotes, .noSuchFileOrDirectory)
        }
        if let name { return try make(name, mappings, in: folder.borrowed) }
        var number = 1
        while true {
            do throws(Failure) {
                return try make(SandboxName("box-\(number)"), mappings, in: folder.borrowed)
            } catch {
                if error.kind != .taken { throw error }
            }
            number += 1
        }
    }

    private func make(
        _ name: SandboxName, _ mappings: IDMappings?, in folder: FileDescriptor
    ) throws(Failure) -> KeptSandbox {
        let path = "\(root)/\(name.text)"
        let record = KeptSandbox.Record(
            name: name.text, created: Clock.timestamp, mappings: mappings)
        do throws(Errno) {
            return try make(name, path, record, in: folder)
        } catch .directoryNotEmpty, .fileExists {
            throw Failure("there is a sandbox \(name.text.inQuotes)", .taken)
        } catch {
            throw Failure("mkdir", path.inQuotes, error)
        }
    }

    /// Under another name first: what has the name of a sandbox has a record, whenever the process is
    /// killed.
    private func make(
        _ name: SandboxName, _ path: String, _ record: KeptSandbox.Record,
        in folder: FileDescriptor
    ) throws(Errno) -> KeptSandbox {
        guard let file = FileName(name.text) else { throw .invalidArgument }
        try SandboxStore.removeUnfinished(in: folder)
        let (aside, directory, lock) = try SandboxStore.makeAside(in: folder)
        do throws(Errno) {
            try directory.borrowed.replaceFile(
                KeptSandbox.recordName, with: record.bytes, mode: 0o600)
            // A sandbox of that name is never empty, and so it is not replaced.
            try folder.rename(aside, to: file, in: folder)
            return KeptSandbox(
                name, path: path, record, try OwnedDescriptor.duplicate(directory.borrowed),
                lock: try OwnedDescriptor.duplicate(lock.borrowed))
        } catch {
            // The error is what counts.
            _ = try? folder.removeTree(aside)
            throw error
        }
    }

    private static let prefix = ".new-"

    /// A new directory with a lock file that this process has locked. Its name is one that a process in
    /// another pid namespace does not choose.
    static func makeAside(
        in folder: FileDescriptor
    ) throws(Errno) -> (FileName, HeldDescriptor, HeldDescriptor) {
        for _ in 0..<100 {
            let number = String(UInt64.random(in: 0 ... .max), radix: 16)
            guard let name = FileName(prefix + number) else { throw .invalidArgument }
            do throws(Errno) {
                let made = HeldDescriptor(try folder.makePlainDirectory(name, mode: 0o700))
                let lock = HeldDescriptor(
                    try made.borrowed.open(
                        KeptSandbox.lockName, [.readWrite, .create, .exclusive], mode: 0o600))
                try lock.borrowed.lock(byte: 0, exclusive: true)
                return (name, made, lock)
            } catch .fileExists {
            } catch .noSuchFileOrDirectory {
                // `removeUnfinished` of another process came first.
            } catch .wouldBlock {
            }
        }
        throw .fileExists
    }

    /// Removes what processes that were killed have left: nobody has the lock of it.
    static func removeUnfinished(in folder: FileDescriptor) throws(Errno) {
        for text in try folder.entries() where text.hasPrefix(prefix) {
            guard let name = FileName(text) else { continue }
            do throws(Errno) {
                let found = try folder.open(name, [.readOnly, .directory])
                let file = try unlessMissing(
                    try found.borrowed.open(
                        KeptSandbox.lockName, [.readWrite, .nonBlocking, .noControllingTerminal]))
                guard let file else {
                    // Empty, unless its lock file is being made.
                    try folder.removeDirectory(name)
                    continue
                }
                try file.borrowed.lock(byte: 0, exclusive: true)
                try folder.removeTree(name)
                // Until then it holds the lock.
                _ = consume file
            } catch .wouldBlock {
            } catch .directoryNotEmpty {
            } catch .noSuchFileOrDirectory {
            }
        }
    }

    /// Removes a sandbox with everything that its runs have written. It must be locked.
    public func remove(_ sandbox: KeptSandbox) throws(Failure) {
        for tree in sandbox.record.trees {
            try ScratchUppers.remove(sandbox.path(of: tree), named: "the upper")
        }
        guard let folder = try openRoot(), let name = FileName(sandbox.name.text) else { return }
        try attempt("unlink", on: sandbox.path, try folder.borrowed.removeTree(name))
    }

    /// Removes the directory of a sandbox, by a process that may remove all that is in it.
    public func removeDirectory(_ name: SandboxName) throws(Failure) {
        guard let folder = try openRoot(), let file = FileName(name.text) else { return }
        try attempt("unlink", on: "\(root)/\(name.text)", try folder.borrowed.removeTree(file))
    }

    /// Removes a sandbox whose record cannot be understood.
    ///
    /// - Throws: A process has the sandbox.
    public func removeDamaged(_ name: SandboxName) throws(Failure) {
        guard let folder = try openRoot() else { return }
        let path = "\(root)/\(name.text)"
        do throws(Errno) {
            let directory = try folder.borrowed.open(name.text, [.readOnly, .directory])
            let file = try directory.borrowed.open(
                KeptSandbox.lockName,
                [.readWrite, .create, .nonBlocking, .noControllingTerminal], mode: 0o600)
            try file.borrowed.lock(byte: 0, exclusive: true)
            if let own = FileName(name.text) { try folder.borrowed.removeTree(own) }
            // Until then it holds the lock.
            _ = consume file
        } catch .wouldBlock {
            throw KeptSandbox.inUse(name)
        } catch {
            throw Failure("unlink", path.inQuotes, error)
        }
    }

    // MARK: Opening

    /// Nil where no sandbox was ever kept.
    private func openRoot() throws(Failure) -> HeldDescriptor? {
        let found = try attempt(
            "open", on: root,
            try unlessMissing(try HeldDescriptor(HostPath.open(root, [.readOnly, .directory]))))
        if let found { try requireOwn(found.borrowed, root) }
        return found
    }

    private func open(
        _ name: SandboxName, in folder: FileDescriptor
    ) throws(Failure) -> KeptSandbox {
        let path = "\(root)/\(name.text)"
        guard
            let found = try attempt(
                "open", on: path,
                try unlessMissing(
                    try HeldDescriptor(folder.open(name.text, [.readOnly, .directory]))))
        else { throw Failure.missing(name) }
        try requireOwn(found.borrowed, path)
        do throws(Errno) {
            let lock = try found.borrowed.open(
                KeptSandbox.lockName,
                [.readWrite, .create, .nonBlocking, .noControllingTerminal], mode: 0o600)
            if try FileStatus.of(lock.borrowed).kind != .regular { throw .notPermitted }
            // A discard that was killed may have removed it.
            let file = try unlessMissing(
                try HeldDescriptor(found.borrowed.openOwn(KeptSandbox.recordName)))
            let bytes = try file?.borrowed.readAll(limit: 1 << 20)
            if let record = bytes.flatMap({ KeptSandbox.Record($0) }), record.name == name.text {
                let own = try OwnedDescriptor.duplicate(found.borrowed)
                return KeptSandbox(name, path: path, record, own, lock: lock)
            }
        } catch {
            throw Failure("open", "\(path)/\(KeptSandbox.recordName)".inQuotes, error)
        }
        throw Failure(
            "\("\(path)/\(KeptSandbox.recordName)".inQuotes) is damaged; \"vfs-run discard"
                + " \(name.text)\" removes the sandbox", .damaged)
    }

    /// What lies here is applied to the host.
    private func requireOwn(_ directory: FileDescriptor, _ path: String) throws(Failure) {
        let status = try attempt("fstat", on: path, try FileStatus.of(directory))
        guard let reason = status.foreignness else { return }
        throw Failure(
            "the sandboxes in \(path.inQuotes) are not believed: \(reason); remove that directory or"
                + " name another one by XDG_DATA_HOME")
    }
}
