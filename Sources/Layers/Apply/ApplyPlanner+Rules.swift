internal import LinuxSystem
internal import SystemPackage

// What may be changed, and what is guarded.
extension ApplyPlanner {
    /// Whether the file of the tree may be changed, replaced or removed, with all that is in it.
    func mayChange(
        _ path: LayerPath, _ name: FileName, _ current: FileStatus, _ level: ApplyLevel
    ) throws(Failure) -> Bool {
        let isDirectory = current.kind == .directory
        if let (top, reason) = guardReason(path, in: level) {
            try tellGuarded(top, reason, isDirectory: isDirectory || top != path)
            return false
        }
        if let reason = conflict(current) {
            try report(.left(path, isDirectory: isDirectory, .conflict(reason)))
            return false
        }
        guard isDirectory, let target = level.target else { return true }
        do throws(Failure) {
            let opened = try attempt(
                "openat2", on: path,
                try target.borrowed.openBeneath(name, [.readOnly, .directory]))
            var scan = try TreeScan(LayerDirectory(opened, layer: 0), path)
            while let (inner, status) = try scan.next() {
                if AppliedTree.isStore(inner) {
                    let reason = "an apply keeps files in it: \(inner.shown())"
                    try report(.left(path, isDirectory: true, .never(reason)))
                    return false
                }
                if !options.isGuarded, let reason = rules.reason(for: inner) {
                    try report(
                        .left(
                            path, isDirectory: true,
                            .guarded("\(inner.shown()) lies in it: \(reason)")))
                    return false
                }
                if let reason = conflict(status) {
                    try report(
                        .left(path, isDirectory: true, .conflict("\(inner.shown()): \(reason)")))
                    return false
                }
            }
            return true
        } catch {
            if error.errno == nil || error.errno == .interrupted { throw error }
            try report(.left(path, isDirectory: true, .failed(error.message)))
            return false
        }
    }

    /// Whether the file of the sandbox is of a kind that is applied.
    func mayApply(
        _ node: TreeWalk.Node, _ found: LayerStack.Found,
        _ attributes: [(name: String, value: [UInt8])], _ level: ApplyLevel
    ) throws(Failure) -> Bool {
        let path = node.path
        let status = found.status
        let isDirectory = status.kind == .directory
        func leave(_ reason: ApplyEvent.Reason) throws(Failure) -> Bool {
            try report(.left(path, isDirectory: isDirectory, reason))
            return false
        }
        if let (top, reason) = guardReason(path, in: level) {
            try tellGuarded(top, reason, isDirectory: isDirectory || top != path)
            return false
        }
        switch status.kind {
        case .characterDevice, .blockDevice: return try leave(.never("a device is never applied"))
        case .socket: return try leave(.never("a socket is never applied"))
        case .regular, .directory, .symbolicLink, .fifo: break
        }
        if options.owners.outside(status) == nil {
            let owner = "its owner \(status.userID):\(status.groupID)"
            let user = options.owners.user
            return try leave(
                .never(
                    user.map { "\(owner) is not \($0), and others' files are never applied" }
                        ?? "\(owner) has no id outside"))
        }
        if options.isGuarded { return true }
        if status.kind == .regular, status.permissions & 0o6000 != 0 {
            return try leave(.guarded("it has set-id bits"))
        }
        if status.kind == .regular,
            attributes.contains(where: { $0.name == StagedFile.capability })
        {
            return try leave(.guarded("it has file capabilities"))
        }
        if status.kind == .symbolicLink {
            let target = try attempt(
                "readlink", on: path, try found.directory.borrowed.linkTarget(found.name))
            if rules.leadsOut(target, from: path) {
                return try leave(.guarded("the link leads out of the tree"))
            }
        }
        return true
    }

    func conflict(_ current: FileStatus) -> String? {
        guard !options.isForced, let begun = options.begun, current.changed >= begun,
            own?.isOwn(current) != true
        else { return nil }
        return "it has changed on the host since the run began"
    }

    /// Why the path, or a directory above it, is guarded, and which one that is.
    func guardReason(
        _ path: LayerPath, in level: ApplyLevel
    ) -> (path: LayerPath, reason: String)? {
        if options.isGuarded { return nil }
        if let guarded = level.guarded { return guarded }
        return rules.reason(for: path).map { (path, $0) }
    }

    /// Once for a directory.
    func tellGuarded(
        _ path: LayerPath, _ reason: String, isDirectory: Bool
    ) throws(Failure) {
        if told == path { return }
        told = path
        try report(.left(path, isDirectory: isDirectory, .guarded(reason)))
    }

    static func words(_ error: Errno) -> String {
        switch error {
        case .improperLink: "another file system is mounted there"
        case .tooManySymbolicLinkLevels, .notDirectory: "it is no directory any more"
        case .noSuchFileOrDirectory: "it is not there any more"
        default: error.words
        }
    }
}
