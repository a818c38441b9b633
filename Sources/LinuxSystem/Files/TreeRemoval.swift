public import SystemPackage

/// Removes trees of untrusted content: by descriptors, no link followed, and however deep
/// they are with three of them open.
extension FileDescriptor {
    /// Removes `name` in this directory with all that is in it; nothing when it is not there.
    ///
    /// Where a directory's mode keeps its owner out, and this process is no other's, the mode is
    /// changed first. What is mounted in it, or another user's, is an error, and what was not yet
    /// removed stays.
    ///
    /// The corresponding C function is `unlinkat`.
    public func removeTree(_ name: FileName) throws(Errno) {
        if try !removeUnlessDirectory(name) { return }
        var removal = TreeRemoval(top: try openToEmpty(name))
        try removal.empty()
        try removeDirectory(name)
    }

    /// Removes everything in this open directory, in the same way.
    public func removeContents() throws(Errno) {
        var removal = TreeRemoval(top: try OwnedDescriptor.duplicate(self))
        try removal.empty()
    }

    /// - Returns: Whether it is a directory, and there.
    fileprivate func removeUnlessDirectory(_ name: FileName) throws(Errno) -> Bool {
        do throws(Errno) {
            try remove(name)
        } catch .noSuchFileOrDirectory {
        } catch .isDirectory {
            return true
        }
        return false
    }

    /// Open for reading, and to be written to.
    public func openToEmpty(_ name: FileName) throws(Errno) -> OwnedDescriptor {
        do throws(Errno) {
            let directory = try open(name, [.readOnly, .directory])
            let mode = try FileStatus.of(directory.borrowed).permissions
            // Refused to another than the owner: what follows tells.
            if mode & 0o700 != 0o700 { try? directory.borrowed.changeMode(mode | 0o700) }
            return directory
        } catch .permissionDenied {
            let closed = try enter(name)
            try closed.borrowed.letOwnerIn()
            return try open(name, [.readOnly, .directory])
        }
    }

    /// For a handle. The corresponding C function is `chmod`, by way of `/proc/self/fd`.
    fileprivate func letOwnerIn() throws(Errno) {
        try HostPath.changeMode("/proc/self/fd/\(rawValue)", 0o700)
    }
}

/// A directory that is emptied: what is deeper down is moved to the top before it is removed.
private struct TreeRemoval: ~Copyable {
    private let top: OwnedDescriptor
    private var moved = 0
    /// Names that are in memory: a directory may have millions.
    private static let atOnce = 10_000

    init(top: consuming OwnedDescriptor) {
        self.top = top
    }

    mutating func empty() throws(Errno) {
        while true {
            let names = try FileNameList(of: top.borrowed, atMost: TreeRemoval.atOnce)
            if names.count == 0 { return }
            for index in 0..<names.count {
                let name = names[index]
                if try !top.borrowed.removeUnlessDirectory(name) { continue }
                let directory = try top.borrowed.openToEmpty(name)
                try emptyInner(directory.borrowed)
                try top.borrowed.removeDirectory(name)
            }
        }
    }

    private mutating func emptyInner(_ directory: FileDescriptor) throws(Errno) {
        while true {
            let names = try FileNameList(of: directory, atMost: TreeRemoval.atOnce)
            if names.count == 0 { return }
            for position in 0..<names.count {
                let name = names[position]
                if try directory.removeUnlessDirectory(name) { try take(name, of: directory) }
            }
        }
    }

    private mutating func take(
        _ name: FileName, of directory: FileDescriptor
    ) throws(Errno) {
        while true {
            moved += 1
            guard let free = FileName(".removed-\(moved)") else { throw .invalidArgument }
            // Another process may have made a file of that name.
            if (try? FileStatus.of(free, in: top.borrowed)) != nil { continue }
            do throws(Errno) {
                return try directory.rename(name, to: free, in: top.borrowed)
            } catch .permissionDenied {
                // Its `..` changes, which takes the right to write to it.
                let closed = try directory.enter(name)
                try closed.borrowed.letOwnerIn()
                return try directory.rename(name, to: free, in: top.borrowed)
            }
        }
    }
}
