internal import Glibc
public import SystemPackage

extension FileDescriptor {
    /// Removes what is neither a regular file nor a directory from the tree below this directory, and
    /// gives the rest to this process's user, regular files without set-id bits: by descriptors, no
    /// link followed.
    ///
    /// A directory whose mode keeps its owner out is opened to its owner.
    ///
    /// - Parameter path: Its own, for messages.
    ///
    /// The corresponding C functions are `openat`, `getdents64`, `fstatat`, `unlinkat`, `fchownat`
    /// and `fchmodat`.
    public func removeSpecialFiles(_ path: String) throws(Failure) {
        let device = try attempt("fstat", on: path, try FileStatus.of(self).device)
        var levels = [
            try attempt("readdir", on: path, try TreeLevel(OwnedDescriptor.duplicate(self)))
        ]
        var names: [FileName] = []
        while let level = levels.last {
            try attempt("poll", try Interruption.check())
            guard let name = level.next() else {
                levels.removeLast()
                if !names.isEmpty { names.removeLast() }
                continue
            }
            func place() -> String {
                ([path] + (names + [name]).map(\.text)).joined(separator: "/")
            }
            let kind = try attempt(
                "chown", on: place(), advice: SpecialFiles.advice,
                try level.descriptor.takeOver(name, on: device))
            guard kind == .directory else { continue }
            if levels.count >= TreeSize.deepest {
                throw Failure(
                    "\(place().inQuotes) lies deeper than \(TreeSize.deepest) directories; remove it,"
                        + " or make the box anew")
            }
            levels.append(
                try attempt(
                    "open", on: place(), try TreeLevel(level.descriptor.openToEmpty(name))))
            names.append(name)
        }
    }

    /// - Returns: What is there now; nil for nothing.
    private func takeOver(
        _ name: FileName, on device: UInt64
    ) throws(Errno) -> FileKind? {
        guard let status = try unlessMissing(try FileStatus.of(name, in: self)) else { return nil }
        if status.device != device { throw Errno(rawValue: EXDEV) }
        if status.kind != .regular && status.kind != .directory {
            try remove(name)
            return nil
        }
        if !status.isOwned {
            try changeOwner(
                name, user: Credentials.effectiveUser, group: Credentials.effectiveGroup)
        }
        if status.kind == .regular && status.permissions & 0o6000 != 0 {
            try changeMode(name, status.permissions & 0o777)
        }
        return status.kind
    }
}

private enum SpecialFiles {
    static func advice(_ error: Errno) -> String? {
        switch error {
        case .notPermitted: "it belongs to another user; remove it, or give it to this user"
        case Errno(rawValue: EXDEV): "another file system is mounted there; unmount it"
        default: nil
        }
    }
}
