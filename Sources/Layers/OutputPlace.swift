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
    ///   looks whole and is not.
    public init(_ path: String, synchronizing: Bool = true) throws(LayerError) {
        synchronizes = synchronizing
        var bytes = path.utf8[...]
        while bytes.count > 1 && bytes.last == 0x2f { bytes.removeLast() }
        let slash = bytes.lastIndex(of: 0x2f)
        let folder = slash.map { String(Substring(bytes[...$0])) } ?? "."
        guard let name = FileName(slash.map { bytes[bytes.index(after: $0)...] } ?? bytes) else {
            throw LayerError("\"\(path)\" names no file; end it in one")
        }
        self.path = path
        self.name = name
        self.folder = folder
        do throws(Errno) {
            parent = LayerDirectory(
                try HostPath.open(folder, [.readOnly, .directory]), layer: 0)
        } catch {
            throw LayerError("open \"\(folder)\": \(error.words)")
        }
    }

    private func failed(_ call: String, _ error: Errno) -> LayerError {
        LayerError("\(call) \"\(path)\": \(error.words)")
    }

    /// A file, in the place of one that is there.
    ///
    /// Until it is whole it has no name, where the file system knows such files: nothing is left of
    /// it, whatever happens.
    public func makeFile<Value>(
        _ body: (FileDescriptor) throws(LayerError) -> Value
    ) throws(LayerError) -> Value {
        let aside = FileName(".\(name.text).\(CurrentProcess.pid)") ?? name
        var isNamed = false
        let file: OwnedDescriptor
        do throws(Errno) {
            file = try make(aside, &isNamed)
        } catch {
            throw failed("create", error)
        }
        do throws(LayerError) {
            let result = try body(file.borrowed)
            do throws(Errno) {
                if synchronizes { try file.borrowed.synchronize() }
                if !isNamed { try parent.borrowed.makeLink(aside, toOpen: file.borrowed) }
                try placed(aside)
            } catch {
                throw failed("rename to", error)
            }
            return result
        } catch {
            try? parent.borrowed.remove(aside)
            throw error
        }
    }

    /// Gives what is whole its name.
    private func placed(_ aside: FileName) throws(Errno) {
        try parent.borrowed.rename(aside, to: name, in: parent.borrowed)
        if synchronizes { try parent.borrowed.synchronize() }
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
        _ body: (consuming OwnedDescriptor) throws(LayerError) -> Void
    ) throws(LayerError) {
        let there: FileStatus?
        do throws(Errno) {
            there = try unlessMissing(try FileStatus.of(name, in: parent.borrowed))
        } catch {
            throw failed("stat", error)
        }
        if there != nil {
            throw LayerError("\"\(path)\" exists; remove it, or name another directory")
        }
        let aside = try asideName
        let directory = try make(partial: aside)
        // Kept to the end: whoever sees it locked leaves it alone.
        let lock: OwnedDescriptor
        do throws(Errno) { lock = try OwnedDescriptor.duplicate(directory.borrowed) } catch {
            try? parent.borrowed.removeTree(aside)
            throw failed("dup", error)
        }
        do throws(LayerError) {
            try body(directory)
            do throws(Errno) {
                if synchronizes { try lock.borrowed.synchronizeFileSystem() }
                try placed(aside)
            } catch {
                throw failed("rename to", error)
            }
        } catch {
            try? parent.borrowed.removeTree(aside)
            throw error
        }
        _ = lock.borrowed
    }

    /// A directory beside the place that what is written there is made in; it is removed
    /// afterwards.
    ///
    /// - Parameter body: Gets its path.
    public func withScratch<Value>(
        _ body: (String) throws(LayerError) -> Value
    ) throws(LayerError) -> Value {
        let aside = try asideName
        let lock = try make(partial: aside)
        defer { try? parent.borrowed.removeTree(aside) }
        let result = try body("\(folder)/\(aside.text)")
        _ = lock.borrowed
        return result
    }

    private var asideName: FileName {
        get throws(LayerError) {
            guard let aside = FileName(".\(name.text).partial") else {
                throw LayerError("\"\(path)\" names no directory")
            }
            return aside
        }
    }

    private func make(partial aside: FileName) throws(LayerError) -> OwnedDescriptor {
        do throws(Errno) {
            return try makeLocked(aside)
        } catch .wouldBlock {
            throw LayerError("\"\(path)\" is being written by another command; wait for its end")
        } catch {
            throw failed("mkdir", error)
        }
    }

    /// What is left of one that died is removed first.
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
