internal import LinuxSystem
internal import SystemPackage

/// Writes files of the sandbox as they are to be in the tree.
struct StagedFile {
    let stack: LayerStack
    let uppers: Int
    /// Hears of what is left out.
    let note: (LayerPath, String) throws(Failure) -> Void

    private let user = Credentials.effectiveUser
    private let group = Credentials.effectiveGroup

    init(
        _ stack: LayerStack, uppers: Int,
        note: @escaping (LayerPath, String) throws(Failure) -> Void
    ) {
        self.stack = stack
        self.uppers = uppers
        self.note = note
    }

    /// Extended attributes that are never applied: those of overlays would change what an overlay
    /// above the tree shows, and the labels of security modules are the host's.
    static func isApplied(_ attribute: String) -> Bool {
        if attribute.hasPrefix("security.") { return attribute == capability }
        return !attribute.hasPrefix("trusted.") && !attribute.hasPrefix("user.overlay.")
            && !attribute.hasPrefix("user.vfs-run.")
    }

    static let capability = "security.capability"

    /// A file of the sandbox: a regular one is open, unless its data is further below.
    struct Source {
        let found: LayerStack.Found
        let attributes: [(name: String, value: [UInt8])]
        fileprivate let opened: HeldDescriptor?
    }

    func open(_ found: LayerStack.Found, _ path: LayerPath) throws(Failure) -> Source {
        if found.status.kind == .regular && !found.isMetacopy {
            let file = HeldDescriptor(try attempt("open", on: path, try openRegular(found)))
            let attributes = try attempt(
                "getxattr", on: path, try stack.attributes(ofOpen: file.borrowed))
            return Source(found: found, attributes: attributes, opened: file)
        }
        let attributes = try attempt("getxattr", on: path, try stack.attributes(of: found))
        return Source(found: found, attributes: attributes, opened: nil)
    }

    /// A file of the upper, which is this process's own and locked: none puts another one there.
    private func openRegular(_ found: LayerStack.Found) throws(Errno) -> OwnedDescriptor {
        if found.directory.layer >= uppers { return try found.openData() }
        let file = try found.directory.borrowed.open(
            found.name, [.readOnly, .nonBlocking, .noControllingTerminal])
        if try FileStatus.of(file.borrowed).kind != .regular { throw .invalidArgument }
        return file
    }

    /// Makes any file but a directory.
    func make(
        _ source: Source, _ path: LayerPath, as name: FileName, in place: FileDescriptor,
        owner: (user: UInt32, group: UInt32)
    ) throws(Failure) -> FileStatus {
        let wanted = source.found.status
        if wanted.kind == .regular {
            return try makeRegular(source, path, as: name, in: place, owner: owner)
        }
        try attempt("create", on: path, try makeOther(source.found, as: name, in: place))
        let made = try attempt("fstat", on: path, try FileStatus.of(name, in: place))
        if made.userID != owner.user || made.groupID != owner.group {
            try attempt(
                "chown", on: path,
                try place.changeOwner(name, user: owner.user, group: owner.group))
        }
        if wanted.kind != .symbolicLink {
            try attempt("chmod", on: path, try place.changeMode(name, wanted.permissions))
        }
        try set(source.attributes, on: name, in: place, path)
        try attempt("utimensat", on: path, try place.changeTimes(name, to: wanted.modified))
        return try attempt("fstat", on: path, try FileStatus.of(name, in: place))
    }

    private func makeRegular(
        _ source: Source, _ path: LayerPath, as name: FileName, in place: FileDescriptor,
        owner: (user: UInt32, group: UInt32)
    ) throws(Failure) -> FileStatus {
        let found = source.found
        let wanted = found.status
        if found.isMetacopy && found.data == nil { throw Failure.missingLayer(path) }
        let data: HeldDescriptor
        if let opened = source.opened {
            data = opened
        } else {
            data = HeldDescriptor(try attempt("open", on: path, try found.openData()))
        }
        let made = try attempt(
            "create", on: path,
            try place.open(
                name, [.create, .exclusive, .writeOnly],
                mode: wanted.permissions & 0o777 | 0o600)
        )
        let file = made.borrowed
        if found.status.size > 0 {
            try attempt(
                "write", on: path,
                try file.copyFile(from: data.borrowed, size: found.status.size))
        }
        return try finish(file, wanted, source.attributes, path, owner: owner)
    }

    private func makeOther(
        _ found: LayerStack.Found, as name: FileName, in place: FileDescriptor
    ) throws(Errno) {
        if found.status.kind == .symbolicLink {
            let target = try found.directory.borrowed.linkTarget(found.name)
            return try place.makeSymbolicLink(name, to: target)
        }
        try place.makeNode(
            name, mode: found.status.kind.modeBits | 0o600, device: found.status.deviceNumber)
    }

    /// Gives an open file or directory everything but its content.
    ///
    /// - Parameter file: Its owner may write to it.
    func finish(
        _ file: FileDescriptor, _ status: FileStatus,
        _ attributes: [(name: String, value: [UInt8])], _ path: LayerPath,
        owner: (user: UInt32, group: UInt32)
    ) throws(Failure) -> FileStatus {
        if user != owner.user || group != owner.group {
            do throws(Errno) {
                try file.changeOwner(user: owner.user, group: owner.group)
            } catch .notPermitted where user == owner.user {
                try note(path, "the group \(owner.group) cannot be set")
            } catch {
                throw Failure("chown", path.quoted, error)
            }
        }
        try set(attributes, on: .itself, in: file, path)
        try attempt("futimens", on: path, try file.changeTimes(to: status.modified))
        let made = try attempt("fstat", on: path, try FileStatus.of(file))
        if made.permissions == status.permissions { return made }
        // After the owner, whose change takes set-id bits away, and after the attributes, which an
        // ordinary user sets on files that may be written to.
        try attempt("fchmod", on: path, try file.changeMode(status.permissions))
        return try attempt("fstat", on: path, try FileStatus.of(file))
    }

    private func set(
        _ attributes: [(name: String, value: [UInt8])], on name: FileName,
        in place: FileDescriptor, _ path: LayerPath
    ) throws(Failure) {
        for (attribute, value) in attributes {
            if !StagedFile.isApplied(attribute) {
                try note(path, "the extended attribute \(attribute.inQuotes) is never applied")
                continue
            }
            do throws(Errno) {
                try place.setAttribute(attribute, value, of: name)
            } catch {
                guard error == .notPermitted || error == .notSupported else {
                    throw Failure("setxattr", path.quoted, error)
                }
                try note(path, "the extended attribute \(attribute.inQuotes): \(error.words)")
            }
        }
    }
}

extension LayerStack {
    /// As `attributes(of:)`, of a file that is open.
    func attributes(
        ofOpen file: FileDescriptor
    ) throws(Errno) -> [(name: String, value: [UInt8])] {
        var attributes: [(name: String, value: [UInt8])] = []
        for name in try file.attributeNames(of: .itself) where !marks.contains(name) {
            guard let value = try file.attribute(name, of: .itself) else { continue }
            attributes.append((name, owners.map { $0.seen(name, value) } ?? value))
        }
        return attributes
    }
}

/// Extended attributes of a file of the tree.
extension FileDescriptor {
    func appliedAttributes(
        of name: FileName
    ) throws(Errno) -> [(name: String, value: [UInt8])] {
        var attributes: [(name: String, value: [UInt8])] = []
        for attribute in try attributeNames(of: name) where StagedFile.isApplied(attribute) {
            guard let value = try self.attribute(attribute, of: name) else { continue }
            attributes.append((attribute, value))
        }
        return attributes
    }
}
