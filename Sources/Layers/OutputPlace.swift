public import LinuxSystem
public import SystemPackage

/// Where something is to be written: it appears under its name when it is whole and on the disk, or
/// not at all.
public struct OutputPlace: Sendable {
    private let parent: LayerDirectory
    private let name: FileName
    private let path: String
    private let folder: String
    private let synchronizes: Bool

    /// - Parameter synchronizing: Without it a machine that stops right afterwards may leave what
    ///   looks complete and is not.
    public init(_ path: String, synchronizing: Bool = true) throws(Failure) {
        synchronizes = synchronizing
        let (folder, last) = HostPath.split(path)
        guard let name = last else { throw Failure("\"\(path)\" names no file; end it in one") }
        self.path = path
        self.name = name
        self.folder = folder
        parent = LayerDirectory(
            try attempt("open", on: folder, try HostPath.open(folder, [.readOnly, .directory])),
            layer: 0)
    }

    /// A file, in the place of one that is there.
    ///
    /// Until it is complete it has no name, where the file system knows such files: nothing is left of
    /// it, whatever happens.
    public func makeFile<Value>(
        _ body: (FileDescriptor) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let aside = FileName(".\(name.text).\(CurrentProcess.pid)") ?? name
        var isNamed = false
        let file = try attempt("create", on: path, try make(aside, &isNamed))
        do throws(Failure) {
            let result = try body(file.borrowed)
            if synchronizes { try attempt("fsync", on: path, try file.borrowed.synchronize()) }
            if !isNamed {
                try attempt(
                    "link", on: path, try parent.borrowed.makeLink(aside, toOpen: file.borrowed))
            }
            try place(aside)
            return result
        } catch {
            try? parent.borrowed.remove(aside)
            throw error
        }
    }

    /// Gives what is complete its name.
    private func place(_ aside: FileName) throws(Failure) {
        try attempt(
            "rename to", on: path, try parent.borrowed.rename(aside, to: name, in: parent.borrowed))
        if synchronizes { try attempt("fsync", on: folder, try parent.borrowed.synchronize()) }
    }

    private func make(
        _ aside: FileName, _ isNamed: inout Bool
    ) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            return try parent.borrowed.makeNamelessFile(mode: 0o644)
        } catch .notSupported, .isDirectory, .invalidArgument {
            isNamed = true
            return try parent.borrowed.open(
                aside, [.writeOnly, .create, .truncate], mode: 0o644)
        }
    }

    /// A directory, where nothing is.
    public func makeDirectory(
        _ body: (consuming OwnedDescriptor) throws(Failure) -> Void
    ) throws(Failure) {
        let there = try attempt(
            "stat", on: path, try unlessMissing(try FileStatus.of(name, in: parent.borrowed)))
        if there != nil {
            throw Failure("\"\(path)\" exists; remove it, or name another directory")
        }
        try withPartial { aside, lock throws(Failure) in
            try body(try attempt("dup", on: path, try OwnedDescriptor.duplicate(lock)))
            if synchronizes { try attempt("syncfs", on: path, try lock.synchronizeFileSystem()) }
            try place(aside)
        } failed: {
            try? parent.borrowed.removeTree($0)
        }
    }

    /// A directory beside the place that what is written there is made in; it is removed
    /// afterwards.
    ///
    /// - Parameter body: Gets its path.
    public func withScratch<Value>(
        _ body: (String) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withPartial { aside, _ throws(Failure) in
            defer { try? parent.borrowed.removeTree(aside) }
            return try body("\(folder)/\(aside.text)")
        } failed: { _ in
        }
    }

    /// Makes `.NAME.partial`, and keeps it locked: other commands leave it alone.
    private func withPartial<Value>(
        _ body: (FileName, FileDescriptor) throws(Failure) -> Value, failed: (FileName) -> Void
    ) throws(Failure) -> Value {
        guard let aside = FileName(".\(name.text).partial") else {
            throw Failure("\"\(path)\" names no directory")
        }
        let lock: OwnedDescriptor
        do throws(Errno) {
            lock = try makeLocked(aside)
        } catch .wouldBlock {
            throw Failure("\"\(path)\" is being written by another command; wait for its end")
        } catch {
            throw Failure("mkdir", path.inQuotes, error)
        }
        do throws(Failure) {
            let value = try body(aside, lock.borrowed)
            _ = lock.borrowed
            return value
        } catch {
            failed(aside)
            throw error
        }
    }

    /// The rest of a command that was killed is removed first.
    private func makeLocked(_ aside: FileName) throws(Errno) -> OwnedDescriptor {
        if let left = try unlessMissing(try parent.borrowed.open(aside, [.readOnly, .directory])) {
            // Of another user it cannot be one that died.
            if try !FileStatus.of(left.borrowed).isOwned { throw .fileExists }
            try left.borrowed.lock(exclusive: true)
            try parent.borrowed.removeTree(aside)
        }
        // Programs with set-id bits are made in it.
        let directory = try parent.borrowed.makePlainDirectory(aside, mode: 0o700)
        do throws(Errno) {
            try directory.borrowed.lock(exclusive: true)
        } catch {
            // One that holds it by now removes it too.
            if error != .wouldBlock { try? parent.borrowed.removeTree(aside) }
            throw error
        }
        return directory
    }
}
