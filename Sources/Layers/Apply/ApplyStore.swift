internal import LinuxSystem
internal import SystemPackage

/// A directory of this process's own on the tree's file system, which no other user enters: new files
/// are written in it before one rename gives them their names, and what was there before is kept in
/// it. Files of one apply are numbered.
final class ApplyStore {
    let directory: LayerDirectory
    private let path: String
    private var last: UInt64 = 0

    /// - Parameters:
    ///   - directory: Open for reading.
    ///   - path: For messages.
    init(_ directory: LayerDirectory, path: String) {
        self.directory = directory
        self.path = path
    }

    /// Of one of its files, for a message.
    func path(of name: FileName) -> String { "\(path)/\(name.text)".inQuotes }

    func next() -> UInt64 {
        last += 1
        return last
    }

    static func name(_ number: UInt64) -> FileName {
        FileName(number: number)
    }

    /// The file of a number; nil where there is none.
    func status(_ number: UInt64) throws(Errno) -> FileStatus? {
        try AppliedTree.status(ApplyStore.name(number), in: directory.borrowed)
    }

    func removeContents() throws(Errno) { try directory.borrowed.removeContents() }

    /// Whether it is so of something below the directory `name` in the store; false for other files.
    func holds(
        _ name: FileName, _ status: FileStatus, _ isSo: (FileStatus) -> Bool
    ) throws(Errno) -> Bool {
        if status.kind != .directory { return false }
        let opened = try directory.borrowed.openBeneath(name, [.readOnly, .directory])
        do throws(Failure) {
            var scan = try TreeScan(LayerDirectory(opened, layer: 0), .root)
            while let (_, status) = try scan.next() {
                if isSo(status) { return true }
            }
            return false
        } catch {
            throw error.errno ?? .invalidArgument
        }
    }
}

/// Writes files of the sandbox as they are to be in the tree.
struct StagedFile {
    let stack: LayerStack
    /// Hears of what is left out.
    let note: (String) throws(Failure) -> Void

    /// Extended attributes that are never applied: those of overlays would change what an overlay
    /// above the tree shows, and the labels of security modules are the host's.
    static func isApplied(_ attribute: String) -> Bool {
        if attribute.hasPrefix("security.") { return attribute == capability }
        return !attribute.hasPrefix("trusted.") && !attribute.hasPrefix("user.overlay.")
            && !attribute.hasPrefix("user.vfs-run.")
    }

    static let capability = "security.capability"

    /// Makes any file but a directory.
    ///
    /// - Parameter attributes: Nil where they are to be read.
    func make(
        _ found: LayerStack.Found, _ path: LayerPath, as name: FileName, in place: FileDescriptor,
        owner: (user: UInt32, group: UInt32)
    ) throws(Failure) -> FileStatus {
        if found.status.kind == .regular {
            return try makeRegular(found, path, as: name, in: place, owner: owner)
        }
        try attempt("create", on: path, try makeOther(found, as: name, in: place))
        let made = try attempt("fstat", on: path, try FileStatus.of(name, in: place))
        if made.userID != owner.user || made.groupID != owner.group {
            try attempt(
                "chown", on: path,
                try place.changeOwner(name, user: owner.user, group: owner.group))
        }
        if found.status.kind != .symbolicLink {
            try attempt(
                "chmod", on: path, try place.changeMode(name, found.status.permissions))
        }
        let attributes = try attempt("getxattr", on: path, try stack.attributes(of: found))
        try set(attributes, on: name, in: place, path)
        try attempt("utimensat", on: path, try place.changeTimes(name, to: found.status.modified))
        return try attempt("fstat", on: path, try FileStatus.of(name, in: place))
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

    private func makeRegular(
        _ found: LayerStack.Found, _ path: LayerPath, as name: FileName, in place: FileDescriptor,
        owner: (user: UInt32, group: UInt32)
    ) throws(Failure) -> FileStatus {
        if found.isMetacopy && found.data == nil { throw Failure.missingLayer(path) }
        let source = try attempt("open", on: path, try found.openData())
        let made = try attempt(
            "create", on: path,
            try place.open(name, [.create, .exclusive, .writeOnly], mode: 0o600)
        )
        let file = made.borrowed
        if found.status.size > 0 {
            try attempt(
                "write", on: path,
                try file.copyFile(from: source.borrowed, size: found.status.size))
        }
        let attributes =
            found.isMetacopy
            ? try attempt("getxattr", on: path, try stack.attributes(of: found))
            : try attempt("getxattr", on: path, try stack.attributes(ofOpen: source.borrowed))
        try finish(file, found.status, attributes, path, owner: owner)
        return try attempt("fstat", on: path, try FileStatus.of(file))
    }

    /// Gives an open file or directory everything but its content; the time last.
    func finish(
        _ file: FileDescriptor, _ status: FileStatus,
        _ attributes: [(name: String, value: [UInt8])], _ path: LayerPath,
        owner: (user: UInt32, group: UInt32)
    ) throws(Failure) {
        if Credentials.effectiveUser != owner.user || Credentials.effectiveGroup != owner.group {
            do throws(Errno) {
                try file.changeOwner(user: owner.user, group: owner.group)
            } catch .notPermitted where Credentials.effectiveUser == owner.user {
                try note("the group \(owner.group) cannot be set")
            } catch {
                throw Failure("chown", path.quoted, error)
            }
        }
        // After the owner, whose change takes set-id bits and capabilities away.
        try attempt("fchmod", on: path, try file.changeMode(status.permissions))
        try set(attributes, on: .itself, in: file, path)
        try attempt("futimens", on: path, try file.changeTimes(to: status.modified))
    }

    private func set(
        _ attributes: [(name: String, value: [UInt8])], on name: FileName,
        in place: FileDescriptor, _ path: LayerPath
    ) throws(Failure) {
        for (attribute, value) in attributes {
            if !StagedFile.isApplied(attribute) {
                try note("the extended attribute \(attribute.inQuotes) is never applied")
                continue
            }
            do throws(Errno) {
                try place.setAttribute(attribute, value, of: name)
            } catch {
                guard error == .notPermitted || error == .notSupported else {
                    throw Failure("setxattr", path.quoted, error)
                }
                try note("the extended attribute \(attribute.inQuotes): \(error.words)")
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
