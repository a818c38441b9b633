internal import LinuxSystem
internal import SystemPackage

/// A name on its way down through the layers (overlayfs.rst, "Directories", "redirect_dir",
/// "Metadata only copy up").
struct LayerSearch {
    let stack: LayerStack
    /// More than one name behind a redirect from the root.
    var path: [FileName]
    /// The directories that `path` starts from, one a layer.
    var places: ArraySlice<LayerDirectory>
    var found: LayerStack.Found?
    var isHidden = false

    init(stack: LayerStack, path: [FileName], places: ArraySlice<LayerDirectory>) {
        self.stack = stack
        self.path = path
        self.places = places
    }

    /// Looks in one layer; false when those below do not count any more.
    mutating func look(in place: LayerDirectory) throws(Errno) -> Bool {
        var place = place
        var goesOn = true
        let names = path
        for (index, name) in names.dropLast().enumerated() {
            guard let (status, isHidden) = try status(of: name, in: place) else {
                return goesOn || end(at: place)
            }
            if isHidden || status.kind != .directory { return end(at: place) }
            place = try open(name, in: place)
            if try stack.marks.isOpaque(place.borrowed) { goesOn = false }
            try redirect(of: .itself, in: place, behind: names.count - 1 - index)
        }
        guard let name = names.last, let (status, isHidden) = try status(of: name, in: place) else {
            return goesOn || end(at: place)
        }
        if isHidden {
            self.isHidden = found == nil
            return end(at: place)
        }
        return try take(status, name, in: place) && (goesOn || end(at: place))
    }

    /// The layers below `place` do not count any more: a directory that was found above it hides
    /// what they have under the name, in every stack of layers that this one is a part of.
    ///
    /// - Returns: False, as `look` does then.
    private mutating func end(at place: LayerDirectory) -> Bool {
        if found?.status.kind == .directory { found?.opaqueLayer = place.layer }
        return false
    }

    private func status(
        of name: FileName, in place: LayerDirectory
    ) throws(Errno) -> (FileStatus, isHidden: Bool)? {
        let status: FileStatus
        do {
            status = stack.seen(try FileStatus.of(name, in: place.borrowed))
        } catch .noSuchFileOrDirectory {
            return nil
        }
        return (status, try stack.marks.isWhiteout(status, name, in: place.borrowed))
    }

    private func open(_ name: FileName, in place: LayerDirectory) throws(Errno) -> LayerDirectory {
        LayerDirectory(
            try place.borrowed.open(name, [.readOnly, .directory]), layer: place.layer)
    }

    private mutating func take(
        _ status: FileStatus, _ name: FileName, in place: LayerDirectory
    ) throws(Errno) -> Bool {
        if status.kind == .directory { return try takeDirectory(status, name, in: place) }
        guard status.kind == .regular else {
            if found == nil {
                found = LayerStack.Found(status: status, name: name, directory: place)
            }
            return end(at: place)
        }
        // A file below a directory is hidden by it.
        if found?.status.kind == .directory { return end(at: place) }
        let isMetacopy =
            try stack.marks.value(
                stack.marks.metacopy, of: name, in: place.borrowed) != nil
        if found == nil {
            found = LayerStack.Found(status: status, name: name, directory: place)
            found?.isMetacopy = isMetacopy
        } else if !isMetacopy {
            found?.data = (place, name)
        }
        if isMetacopy { try redirect(of: name, in: place, behind: 0) }
        return isMetacopy
    }

    private mutating func takeDirectory(
        _ status: FileStatus, _ name: FileName, in place: LayerDirectory
    ) throws(Errno) -> Bool {
        if let found, found.status.kind != .directory { return false }
        let directory = try open(name, in: place)
        let isOpaque = try stack.marks.isOpaque(directory.borrowed)
        if found == nil {
            found = LayerStack.Found(status: status, name: name, directory: place)
        }
        found?.parts.append(directory)
        if isOpaque { return end(at: place) }
        try redirect(of: .itself, in: directory, behind: 0)
        return true
    }

    /// Where the layers below are to be looked in for what a file is now called.
    ///
    /// - Parameter behind: How many names stand behind it in the path.
    private mutating func redirect(
        of name: FileName, in place: LayerDirectory, behind: Int
    ) throws(Errno) {
        guard
            let target = try stack.marks.value(
                stack.marks.redirect, of: name, in: place.borrowed)
        else { return }
        if behind == 0 && found?.redirect == nil { found?.redirect = (target, place.layer) }
        let rest = path.suffix(behind)
        if target.first == 0x2f {
            guard let names = LayerPath.names(of: target), !names.isEmpty else {
                throw .invalidArgument
            }
            path = names + rest
            places = stack.roots.filter { $0.layer > place.layer }[...]
        } else {
            guard let sibling = FileName(target) else { throw .invalidArgument }
            path = path.dropLast(behind + 1) + [sibling] + rest
        }
    }
}
