internal import LinuxSystem
internal import SystemPackage

// Files that the tree does not have yet.
extension ApplyPlanner {
    /// A file that the tree has not, or has another one in the place of.
    func add(
        _ node: TreeWalk.Node, _ found: LayerStack.Found, _ name: FileName, _ level: ApplyLevel,
        isSelected: Bool, over current: FileStatus?
    ) throws(Failure) {
        let path = node.path
        let isDirectory = found.status.kind == .directory
        if let current, try !mayChange(path, name, current, level) {
            return refuse(path, level)
        }
        let source = try files.open(found, path)
        guard try mayApply(node, found, source.attributes, level),
            let owner = options.owners.outside(found.status)
        else { return refuse(path, level) }
        let kind: Change.Kind =
            current.map { $0.kind == found.status.kind ? .modified : .replaced } ?? .added
        try report(.change(kind, path, isDirectory: isDirectory))
        if level.current != nil { level.isTouched = true }
        // Below a new directory it gets its name at once.
        let number = level.isNew ? 0 : store?.next() ?? 0
        let asName = level.isNew ? name : ApplyStore.name(number)
        let storePath = (level.isNew ? level.storePath : .root).appending(asName)
        if isDirectory {
            let new = ApplyLevel(path, found.status, isSelected: isSelected)
            new.storePath = storePath
            new.guarded = level.guarded
            new.top = level.isNew ? nil : (number, current)
            new.owner = owner
            new.attributes = source.attributes
            if let place = level.staged ?? store?.directory {
                new.staged = LayerDirectory(
                    try attempt(
                        "mkdir", on: path,
                        try ApplyPlanner.makeDirectory(asName, in: place.borrowed)), layer: 0)
            }
            levels.append(new)
            return
        }
        guard let place = level.staged ?? store?.directory else {
            if found.status.linkCount > 1 { links[path] = .staged(storePath) }
            return summary.steps += 1
        }
        guard let made = try make(node, source, asName, place.borrowed, owner, storePath) else {
            return try report(.left(path, isDirectory: false, ApplyExecutor.changed))
        }
        try own?.note(made)
        if !level.isNew { try add(path, number, made, over: current) }
    }

    static func makeDirectory(
        _ name: FileName, in place: FileDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        try place.makeDirectory(name, mode: 0o700)
        return try place.open(name, [.readOnly, .directory])
    }

    /// - Returns: Nil where it is another name of a file of the tree that is not there any more.
    func make(
        _ node: TreeWalk.Node, _ source: StagedFile.Source, _ name: FileName,
        _ place: FileDescriptor, _ owner: (user: UInt32, group: UInt32), _ storePath: LayerPath
    ) throws(Failure) -> FileStatus? {
        let path = node.path
        if let link = node.link, let earlier = links[link] {
            return try attempt(
                "link", on: path, try makeLink(name, in: place, to: earlier, at: link))
        }
        if source.found.status.linkCount > 1 { links[path] = .staged(storePath) }
        return try files.make(source, path, as: name, in: place, owner: owner)
    }

    func makeLink(
        _ name: FileName, in place: FileDescriptor, to earlier: LinkPlaces.Place,
        at link: LayerPath
    ) throws(Errno) -> FileStatus? {
        switch earlier {
        case .staged(let path):
            guard let store else { throw .noSuchFileOrDirectory }
            var cursor = TreeCursor(store.directory)
            let (directory, other) = try cursor.open(parentOf: path)
            try place.makeLink(name, to: other, in: directory.borrowed)
            return try FileStatus.of(name, in: place)
        case .inTree(let inode):
            do throws(Errno) {
                var cursor = TreeCursor(tree)
                let (directory, other) = try cursor.open(parentOf: link)
                try place.makeLink(name, to: other, in: directory.borrowed)
            } catch {
                switch error {
                case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels,
                    .improperLink:
                    return nil
                default: throw error
                }
            }
            // Another process may have put another file under the name.
            let made = try FileStatus.of(name, in: place)
            if made.inode == inode { return made }
            try place.remove(name)
            return nil
        }
    }

    func finishNew(_ level: ApplyLevel) throws(Failure) {
        guard let staged = level.staged, let owner = level.owner else {
            if level.top != nil { summary.steps += 1 }
            return
        }
        let made = try files.finish(
            staged.borrowed, level.status, level.attributes, level.path, owner: owner)
        try own?.note(made)
        if let (number, current) = level.top { try add(level.path, number, made, over: current) }
    }

    func add(
        _ path: LayerPath, _ number: UInt64, _ made: FileStatus, over current: FileStatus?
    ) throws(Failure) {
        let new = FileIdentity(made)
        guard let current else { return try add(.add(path: path, number: number, new: new)) }
        try add(.replace(path: path, number: number, new: new, old: FileIdentity(current)))
    }

    func add(_ step: ApplyStep) throws(Failure) {
        summary.steps += 1
        switch step {
        case .replace, .delete: summary.displaces = true
        case .add, .attributes: break
        }
        try journal?.append(.step(step))
    }
}
