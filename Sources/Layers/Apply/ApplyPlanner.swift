internal import LinuxSystem
internal import SystemPackage

/// Compares what the sandbox shows with the tree, writes the steps that make the tree like it to the
/// journal, and the new files to the store. The tree itself is not changed.
final class ApplyPlanner {
    struct Options {
        var selection = ApplySelection.all
        var isForced = false
        var isGuarded = false
        /// A file of the tree that has changed since is a conflict; nil: none is.
        var begun: FileTime?
        var owners: ApplyOwners
    }

    struct Summary {
        var steps = 0
        /// Whether files of the tree are replaced or removed.
        var displaces = false
        /// Whether the upper names files by the paths they had in the tree.
        var moves = false
    }

    let tree: AppliedTree
    let stack: LayerStack
    let options: Options
    let rules: GuardRules
    let own: OwnTimes?
    /// Nil: nothing is written.
    let store: ApplyStore?
    let journal: ApplyJournal?
    let report: (ApplyEvent) throws(Failure) -> Void
    private(set) var summary = Summary()

    private var walk: TreeWalk
    private var levels: [ApplyLevel] = []
    private var links = LinkPlaces()
    /// Everything in it is left as it is.
    private var skipped: LayerPath?
    /// The guarded path that was told last.
    private var told: LayerPath?

    init(
        _ stack: LayerStack, uppers: Int, _ tree: AppliedTree, _ rules: GuardRules,
        _ options: Options, own: OwnTimes?, store: ApplyStore?, journal: ApplyJournal?,
        report: @escaping (ApplyEvent) throws(Failure) -> Void
    ) {
        self.stack = stack
        self.tree = tree
        self.rules = rules
        self.options = options
        self.own = own
        self.store = store
        self.journal = journal
        self.report = report
        walk = TreeWalk(stack, .standalone, uppers: uppers)
    }

    func run() throws(Failure) {
        while let node = try walk.next() {
            // There may be millions of them.
            try attempt("poll", on: node.path, try Interruption.check())
            try leave(for: node.path)
            if let skipped {
                if node.path.isInside(skipped) {
                    walk.skipContents()
                    continue
                }
                self.skipped = nil
            }
            guard let bytes = node.name, let name = FileName(bytes) else {
                try enterRoot(node)
                continue
            }
            if node.isMoved || node.found?.isMetacopy == true { summary.moves = true }
            try plan(node, name)
        }
        while let level = levels.popLast() { try finish(level) }
    }

    // MARK: Levels

    private func enterRoot(_ node: TreeWalk.Node) throws(Failure) {
        guard let found = node.found else { return }
        let current = try attempt("fstat", on: .root, try FileStatus.of(tree.root.borrowed))
        let level = ApplyLevel(.root, found.status, isSelected: options.selection.contains(.root))
        level.target = tree.root
        level.current = current
        level.attributes = try attempt("getxattr", on: .root, try stack.attributes(of: found))
        levels.append(level)
    }

    private func leave(for path: LayerPath) throws(Failure) {
        while let last = levels.last, !path.isInside(last.path) {
            levels.removeLast()
            try finish(last)
        }
    }

    private func finish(_ level: ApplyLevel) throws(Failure) {
        guard let current = level.current else { return try finishNew(level) }
        if !level.isSelected && !level.isTouched { return }
        let before = FileAttributes(current)
        var after = before
        after.modified = nil
        if level.isSelected { try compare(level, current, before, &after) }
        if level.guarded != nil && !options.isGuarded { return }
        let isSame =
            after.mode == before.mode && after.user == before.user && after.group == before.group
            && after.values.isEmpty && after.absent.isEmpty
        let isSameTime = after.modified == nil || after.modified == before.modified
        if isSame && isSameTime && !level.isTouched { return }
        var old = before
        (old.values, old.absent) = level.replaced
        try add(
            .attributes(path: level.path, old: FileIdentity(current), before: old, after: after))
    }

    /// Fills `after` with what the sandbox shows of a directory that both have.
    private func compare(
        _ level: ApplyLevel, _ current: FileStatus, _ before: FileAttributes,
        _ after: inout FileAttributes
    ) throws(Failure) {
        guard let target = level.target else { return }
        // The host has made or removed files in it meanwhile: its time is not the sandbox's.
        if conflict(current) == nil { after.modified = level.status.modified }
        var wanted = after
        wanted.mode = level.status.permissions
        if let owner = options.owners.outside(level.status) {
            (wanted.user, wanted.group) = (owner.user, owner.group)
        }
        let attributes = try attempt(
            "getxattr", on: level.path, try target.borrowed.appliedAttributes(of: .itself))
        // A new upper has no attributes of the tree's root.
        let isRoot = level.path == .root
        level.replaced = ApplyPlanner.difference(
            attributes, level.attributes, &wanted, keepsOthers: isRoot)
        let isSame =
            wanted.mode == before.mode && wanted.user == before.user
            && wanted.group == before.group && wanted.values.isEmpty && wanted.absent.isEmpty
        if isSame { return }
        if let reason = conflict(current) {
            level.replaced = ([], [])
            try report(.left(level.path, isDirectory: true, .conflict(reason)))
            return
        }
        if let (path, reason) = guardReason(level.path, in: level) {
            level.replaced = ([], [])
            return try tellGuarded(path, reason, isDirectory: true)
        }
        after = wanted
        try report(.change(.modified, level.path, isDirectory: true))
    }

    /// Fills `wanted` with the attributes that are to be set and removed.
    ///
    /// - Returns: What they are now.
    static func difference(
        _ old: [(name: String, value: [UInt8])], _ new: [(name: String, value: [UInt8])],
        _ wanted: inout FileAttributes, keepsOthers: Bool = false
    ) -> (values: [FileAttributes.Attribute], absent: [String]) {
        var values: [FileAttributes.Attribute] = []
        var absent: [String] = []
        for (name, value) in new where StagedFile.isApplied(name) {
            let there = old.first { $0.name == name }
            if there?.value == value { continue }
            wanted.values.append(FileAttributes.Attribute(name: name, value: value))
            if let there {
                values.append(FileAttributes.Attribute(name: name, value: there.value))
            } else {
                absent.append(name)
            }
        }
        if keepsOthers { return (values, absent) }
        for (name, value) in old where !new.contains(where: { $0.name == name }) {
            wanted.absent.append(name)
            values.append(FileAttributes.Attribute(name: name, value: value))
        }
        return (values, absent)
    }

    // MARK: A file

    private func plan(_ node: TreeWalk.Node, _ name: FileName) throws(Failure) {
        guard let level = levels.last else { return }
        let path = node.path
        let isSelected = options.selection.contains(path)
        let isWay =
            !isSelected && node.found?.status.kind == .directory
            && options.selection.leads(through: path)
        if !isSelected && !isWay { return skip(path) }
        let current = try level.target.map { target throws(Failure) in
            try attempt("stat", on: path, try AppliedTree.status(name, in: target.borrowed))
        }
        guard let found = node.found else {
            if let current = current ?? nil { try delete(path, name, current, level) }
            return
        }
        guard let current = current ?? nil else {
            return try add(node, found, name, level, isSelected: isSelected, over: nil)
        }
        if current.kind != found.status.kind {
            return try add(node, found, name, level, isSelected: isSelected, over: current)
        }
        if current.kind == .directory {
            return try merge(node, found, name, current, level, isSelected: isSelected)
        }
        try compare(node, found, name, current, level)
    }

    /// Leaves out everything in the directory that the walk is at.
    private func skip(_ path: LayerPath) {
        walk.skipContents()
        skipped = path
    }

    /// The same, or of the guarded directory that it lies in.
    private func refuse(_ path: LayerPath, _ level: ApplyLevel) {
        skip(options.isGuarded ? path : level.guarded?.path ?? path)
    }

    /// A directory that both have.
    private func merge(
        _ node: TreeWalk.Node, _ found: LayerStack.Found, _ name: FileName, _ current: FileStatus,
        _ parent: ApplyLevel, isSelected: Bool
    ) throws(Failure) {
        let path = node.path
        guard let above = parent.target else { return }
        let opened: OwnedDescriptor
        do throws(Errno) {
            opened = try above.borrowed.openBeneath(name, [.readOnly, .directory])
        } catch {
            skip(path)
            return try report(
                .left(path, isDirectory: true, .failed(ApplyPlanner.words(error))))
        }
        let level = ApplyLevel(path, found.status, isSelected: isSelected)
        level.target = LayerDirectory(opened, layer: 0)
        level.current = current
        level.guarded = guardReason(path, in: parent)
        level.attributes = try attempt("getxattr", on: path, try stack.attributes(of: found))
        levels.append(level)
        level.hidesTree = parent.hidesTree || node.isOpaque
        if level.hidesTree { try deleteOthers(found, level) }
    }

    /// What is in a directory of the tree and is not in the sandbox's, where nothing of the tree's is
    /// left.
    private func deleteOthers(
        _ found: LayerStack.Found, _ level: ApplyLevel
    ) throws(Failure) {
        guard let target = level.target, let current = level.current else { return }
        let names = try attempt(
            "readdir", on: level.path, try FileNameList(of: target.borrowed))
        // In a directory that an apply has made the host may have made files since.
        let isOwn = own?.knows(current) ?? false
        for index in 0..<names.count {
            let name = names[index]
            let path = level.path.appending(name)
            if !options.selection.contains(path) { continue }
            let shown = try attempt("lookup", on: path, try stack.lookup(name, in: found.parts))
            if case .found = shown { continue }
            let there = try attempt(
                "stat", on: path, try AppliedTree.status(name, in: target.borrowed))
            guard let there else { continue }
            if isOwn && conflict(there) != nil { continue }
            try delete(path, name, there, level)
        }
    }

    private func delete(
        _ path: LayerPath, _ name: FileName, _ current: FileStatus, _ level: ApplyLevel
    ) throws(Failure) {
        let isDirectory = current.kind == .directory
        guard try mayChange(path, name, current, level) else { return }
        try report(.change(.deleted, path, isDirectory: isDirectory))
        level.isTouched = true
        try add(
            .delete(path: path, number: store?.next() ?? 0, old: FileIdentity(current)))
    }

    /// Two files of the same kind, no directories.
    private func compare(
        _ node: TreeWalk.Node, _ found: LayerStack.Found, _ name: FileName, _ current: FileStatus,
        _ level: ApplyLevel
    ) throws(Failure) {
        guard let target = level.target else { return }
        let path = node.path
        if let link = node.link, let place = links[link] {
            if case .inTree(let inode) = place, inode == current.inode { return }
            return try add(node, found, name, level, isSelected: true, over: current)
        }
        let owner = options.owners.outside(found.status)
        var wanted = FileAttributes(found.status)
        if let owner { (wanted.user, wanted.group) = (owner.user, owner.group) }
        let before = FileAttributes(current)
        let new = try attempt("getxattr", on: path, try stack.attributes(of: found))
        let old = try attempt(
            "getxattr", on: path, try target.borrowed.appliedAttributes(of: name))
        let replaced = ApplyPlanner.difference(old, new, &wanted)
        let isSameContent = try attempt(
            "read", on: path, try hasSameContent(found, name, current, in: target.borrowed))
        // Of a symbolic link the time is not asked for: it says nothing.
        let isSame =
            isSameContent && wanted.mode == before.mode && wanted.user == before.user
            && wanted.group == before.group && wanted.values.isEmpty && wanted.absent.isEmpty
        if isSame && wanted.modified == before.modified {
            if found.status.linkCount > 1 { links[path] = .inTree(current.inode) }
            return
        }
        let isAlone = current.linkCount == 1 && found.status.linkCount == 1
        if !isSameContent || !isAlone || current.kind != .regular || owner == nil {
            return try add(node, found, name, level, isSelected: true, over: current)
        }
        if isSame && conflict(current) != nil {
            // It was touched here and there.
            return
        }
        guard try mayChange(path, name, current, level),
            try mayApply(node, found, new, level)
        else { return refuse(path, level) }
        if !isSame { try report(.change(.modified, path, isDirectory: false)) }
        var earlier = before
        (earlier.values, earlier.absent) = replaced
        try add(
            .attributes(path: path, old: FileIdentity(current), before: earlier, after: wanted))
    }

    private func hasSameContent(
        _ found: LayerStack.Found, _ name: FileName, _ current: FileStatus,
        in target: FileDescriptor
    ) throws(Errno) -> Bool {
        switch current.kind {
        case .regular:
            if current.size != found.status.size { return false }
            let new = try found.openData()
            let old = try target.openRegular(name)
            if try FileStatus.of(new.borrowed).isSame(as: FileStatus.of(old.borrowed)) {
                return true
            }
            return try old.borrowed.hasSameData(as: new.borrowed, size: current.size)
        case .symbolicLink:
            return try target.linkTarget(name)
                == found.directory.borrowed.linkTarget(found.name)
        case .characterDevice, .blockDevice:
            return current.deviceNumber == found.status.deviceNumber
        case .directory, .fifo, .socket: return true
        }
    }

    /// A file that the tree has not, or has another one in the place of.
    private func add(
        _ node: TreeWalk.Node, _ found: LayerStack.Found, _ name: FileName, _ level: ApplyLevel,
        isSelected: Bool, over current: FileStatus?
    ) throws(Failure) {
        let path = node.path
        let isDirectory = found.status.kind == .directory
        if let current, try !mayChange(path, name, current, level) {
            return refuse(path, level)
        }
        guard try mayApply(node, found, nil, level),
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
            new.attributes = try attempt("getxattr", on: path, try stack.attributes(of: found))
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
        let made = try make(node, found, asName, place.borrowed, owner, storePath)
        try own?.note(made)
        if !level.isNew { try add(path, number, made, over: current) }
    }

    private static func makeDirectory(
        _ name: FileName, in place: FileDescriptor
    ) throws(Errno) -> OwnedDescriptor {
        try place.makeDirectory(name, mode: 0o700)
        return try place.open(name, [.readOnly, .directory])
    }

    private func make(
        _ node: TreeWalk.Node, _ found: LayerStack.Found, _ name: FileName,
        _ place: FileDescriptor, _ owner: (user: UInt32, group: UInt32), _ storePath: LayerPath
    ) throws(Failure) -> FileStatus {
        let path = node.path
        if let link = node.link, let earlier = links[link] {
            return try attempt(
                "link", on: path, try makeLink(name, in: place, to: earlier, at: link))
        }
        if found.status.linkCount > 1 { links[path] = .staged(storePath) }
        let file = StagedFile(
            stack: stack,
            note: { [report] (words) throws(Failure) in try report(.note(path, words)) })
        return try file.make(found, path, as: name, in: place, owner: owner)
    }

    private func makeLink(
        _ name: FileName, in place: FileDescriptor, to earlier: LinkPlaces.Place,
        at link: LayerPath
    ) throws(Errno) -> FileStatus {
        switch earlier {
        case .staged(let path):
            guard let store else { throw .noSuchFileOrDirectory }
            var cursor = TreeCursor(store.directory)
            let (directory, other) = try cursor.open(parentOf: path)
            try place.makeLink(name, to: other, in: directory.borrowed)
        case .inTree:
            var cursor = TreeCursor(tree)
            let (directory, other) = try cursor.open(parentOf: link)
            try place.makeLink(name, to: other, in: directory.borrowed)
        }
        return try FileStatus.of(name, in: place)
    }

    private func finishNew(_ level: ApplyLevel) throws(Failure) {
        guard let staged = level.staged, let owner = level.owner else {
            if level.top != nil { summary.steps += 1 }
            return
        }
        let file = StagedFile(
            stack: stack,
            note: { [report] (words) throws(Failure) in try report(.note(level.path, words)) })
        try file.finish(
            staged.borrowed, level.status, level.attributes, level.path, owner: owner)
        let made = try attempt("fstat", on: level.path, try FileStatus.of(staged.borrowed))
        try own?.note(made)
        if let (number, current) = level.top { try add(level.path, number, made, over: current) }
    }

    private func add(
        _ path: LayerPath, _ number: UInt64, _ made: FileStatus, over current: FileStatus?
    ) throws(Failure) {
        let new = FileIdentity(made)
        guard let current else { return try add(.add(path: path, number: number, new: new)) }
        try add(.replace(path: path, number: number, new: new, old: FileIdentity(current)))
    }

    private func add(_ step: ApplyStep) throws(Failure) {
        summary.steps += 1
        switch step {
        case .replace, .delete: summary.displaces = true
        case .add, .attributes: break
        }
        try journal?.append(.step(step))
    }

    // MARK: Rules

    /// Whether the file of the tree may be changed, replaced or removed, with all that is in it.
    private func mayChange(
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
    ///
    /// - Parameter attributes: Nil where they are to be read.
    private func mayApply(
        _ node: TreeWalk.Node, _ found: LayerStack.Found,
        _ attributes: [(name: String, value: [UInt8])]?, _ level: ApplyLevel
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
            return try leave(
                .never("its owner \(status.userID):\(status.groupID) has no id outside"))
        }
        if options.isGuarded { return true }
        if status.kind == .regular, status.permissions & 0o6000 != 0 {
            return try leave(.guarded("it has set-id bits"))
        }
        if status.kind == .regular {
            var names = attributes?.map(\.name) ?? []
            if attributes == nil {
                names = try attempt(
                    "getxattr", on: path,
                    try found.directory.borrowed.attributeNames(of: found.name))
            }
            if names.contains("security.capability") {
                return try leave(.guarded("it has file capabilities"))
            }
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

    private func conflict(_ current: FileStatus) -> String? {
        guard !options.isForced, let begun = options.begun, current.changed >= begun,
            own?.isOwn(current) != true
        else { return nil }
        return "it has changed on the host since the run began"
    }

    /// Why the path, or a directory above it, is guarded, and which one that is.
    private func guardReason(
        _ path: LayerPath, in level: ApplyLevel
    ) -> (path: LayerPath, reason: String)? {
        if options.isGuarded { return nil }
        if let guarded = level.guarded { return guarded }
        return rules.reason(for: path).map { (path, $0) }
    }

    /// Once for a directory.
    private func tellGuarded(
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

/// A directory on the way to the file that is planned.
final class ApplyLevel {
    let path: LayerPath
    /// In the sandbox.
    let status: FileStatus
    /// Whether its attributes are applied.
    let isSelected: Bool
    var attributes: [(name: String, value: [UInt8])] = []
    /// It, or a directory above it, is on the list of guarded paths.
    var guarded: (path: LayerPath, reason: String)?

    // Of a directory that the tree has:
    var target: LayerDirectory?
    var current: FileStatus?
    /// Whether it, or a directory above it, hides what the tree has under its path.
    var hidesTree = false
    /// Whether the steps change its time.
    var isTouched = false
    /// The attributes that the steps change, as they are now.
    var replaced: (values: [FileAttributes.Attribute], absent: [String]) = ([], [])

    // Of a new one:
    /// Nil where nothing is written.
    var staged: LayerDirectory?
    var storePath = LayerPath.root
    var owner: (user: UInt32, group: UInt32)?
    /// Of the topmost new one: its number in the store, and the file that it takes the place of.
    var top: (number: UInt64, current: FileStatus?)?

    var isNew: Bool { current == nil }

    init(_ path: LayerPath, _ status: FileStatus, isSelected: Bool) {
        self.path = path
        self.status = status
        self.isSelected = isSelected
    }
}

/// Where the first name of a file with several names is.
struct LinkPlaces {
    enum Place {
        /// Under this path in the store.
        case staged(LayerPath)
        /// In the tree, unchanged.
        case inTree(UInt64)
    }

    private var places: [LayerPath: Place] = [:]

    subscript(path: LayerPath) -> Place? {
        get { places[path] }
        set { places[path] = newValue }
    }
}
