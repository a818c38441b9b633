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
        /// Files that the upper names by the paths they had in the tree.
        var moves = MovedFiles()
        /// Whether something of the upper was left out.
        var isPartial = false
    }

    let tree: AppliedTree
    let stack: LayerStack
    let uppers: Int
    let options: Options
    let rules: GuardRules
    let own: OwnTimes?
    /// Nil: nothing is written.
    let store: ApplyStore?
    let journal: ApplyJournal?
    let report: (ApplyEvent) throws(Failure) -> Void
    let files: StagedFile
    var summary = Summary()

    var walk: TreeWalk
    var levels: [ApplyLevel] = []
    var links = LinkPlaces()
    /// Everything in it is left as it is.
    var skipped: LayerPath?
    /// The guarded path that was told last.
    var told: LayerPath?

    init(
        _ stack: LayerStack, uppers: Int, _ tree: AppliedTree, _ rules: GuardRules,
        _ options: Options, own: OwnTimes?, store: ApplyStore?, journal: ApplyJournal?,
        report: @escaping (ApplyEvent) throws(Failure) -> Void
    ) {
        self.stack = stack
        self.uppers = uppers
        self.tree = tree
        self.rules = rules
        self.options = options
        self.own = own
        self.store = store
        self.journal = journal
        self.report = report
        files = StagedFile(stack, uppers: uppers) { path, words throws(Failure) in
            try report(.note(path, words))
        }
        summary.isPartial = !options.selection.isWhole
        walk = TreeWalk(stack, .standalone, uppers: uppers, compares: false)
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
            summary.moves.note(node)
            try plan(node, name)
        }
        while let level = levels.popLast() { try finish(level) }
    }

    /// Whether the steps change what the upper shows of files that it names by the paths they had in
    /// the tree.
    func changesMoved() throws(Failure) -> Bool {
        guard let journal else { return false }
        var moves = summary.moves
        if summary.isPartial { try moves.noteAll(of: stack, uppers: uppers) }
        if moves.isEmpty { return false }
        var isSo = false
        try journal.forEach { _, record in
            if case .step(let step) = record, !step.isOfDirectory {
                isSo = isSo || moves.meet(step.path)
            }
        }
        return isSo
    }

    // MARK: Levels

    func enterRoot(_ node: TreeWalk.Node) throws(Failure) {
        guard let found = node.found else { return }
        let current = try attempt("fstat", on: .root, try FileStatus.of(tree.root.borrowed))
        let level = ApplyLevel(.root, found.status, isSelected: options.selection.contains(.root))
        level.target = tree.root
        level.current = current
        level.attributes = try attempt("getxattr", on: .root, try stack.attributes(of: found))
        levels.append(level)
    }

    func leave(for path: LayerPath) throws(Failure) {
        while let last = levels.last, !path.isInside(last.path) {
            levels.removeLast()
            try finish(last)
        }
    }

    func finish(_ level: ApplyLevel) throws(Failure) {
        guard let current = level.current else { return try finishNew(level) }
        if !level.isSelected && !level.isTouched { return }
        let before = FileAttributes(current)
        var after = before
        after.modified = nil
        if level.isSelected { try compare(level, current, before, &after) }
        if level.guarded != nil && !options.isGuarded { return }
        let isSameTime = after.modified == nil || after.modified == before.modified
        if after.changesNothing(of: before) && isSameTime && !level.isTouched { return }
        var old = before
        (old.values, old.absent) = level.replaced
        try add(
            .attributes(path: level.path, old: FileIdentity(current), before: old, after: after))
    }

    /// Fills `after` with what the sandbox shows of a directory that both have.
    func compare(
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
        // A new upper has no attributes of the tree's root, and not always its owner.
        let isRoot = level.path == .root
        if isRoot {
            let known = current.withOwner(knownTo: level.status)
            if known.userID != current.userID { wanted.user = before.user }
            if known.groupID != current.groupID { wanted.group = before.group }
        }
        level.replaced = ApplyPlanner.difference(
            attributes, level.attributes, &wanted, keepsOthers: isRoot)
        if wanted.changesNothing(of: before) { return }
        let replaced = level.replaced
        level.replaced = ([], [])
        if let reason = conflict(current) {
            return try report(.left(level.path, isDirectory: true, .conflict(reason)))
        }
        if let (path, reason) = guardReason(level.path, in: level) {
            return try tellGuarded(path, reason, isDirectory: true)
        }
        var old = before
        (old.values, old.absent) = replaced
        let step = ApplyStep.attributes(
            path: level.path, old: FileIdentity(current), before: old, after: wanted)
        if !ApplyJournal.holds(step) {
            let reason = "its extended attributes are too large"
            return try report(.left(level.path, isDirectory: true, .never(reason)))
        }
        level.replaced = replaced
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

    func plan(_ node: TreeWalk.Node, _ name: FileName) throws(Failure) {
        guard let level = levels.last else { return }
        let path = node.path
        if AppliedTree.isStore(name) {
            skip(path)
            let isDirectory = node.found.map { $0.status.kind == .directory } ?? false
            let reason = "the name is that of a directory in which apply keeps files"
            return try report(.left(path, isDirectory: isDirectory, .never(reason)))
        }
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
    func skip(_ path: LayerPath) {
        summary.isPartial = true
        walk.skipContents()
        skipped = path
    }

    /// The same, or of the guarded directory that it lies in.
    func refuse(_ path: LayerPath, _ level: ApplyLevel) {
        skip(options.isGuarded ? path : level.guarded?.path ?? path)
    }

    /// A directory that both have.
    func merge(
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
    func deleteOthers(
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
            if !options.selection.contains(path) || AppliedTree.isStore(name) { continue }
            let shown = try attempt("lookup", on: path, try stack.lookup(name, in: found.parts))
            if case .found = shown { continue }
            let there = try attempt(
                "stat", on: path, try AppliedTree.status(name, in: target.borrowed))
            guard let there else { continue }
            if isOwn && conflict(there) != nil { continue }
            try delete(path, name, there, level)
        }
    }

    func delete(
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
    func compare(
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
        let isSame = isSameContent && wanted.changesNothing(of: before)
        if isSame && wanted.modified == before.modified {
            if found.status.linkCount > 1 { links[path] = .inTree(current.inode) }
            return
        }
        let isAlone = current.linkCount == 1 && found.status.linkCount == 1
        var earlier = before
        (earlier.values, earlier.absent) = replaced
        let step = ApplyStep.attributes(
            path: path, old: FileIdentity(current), before: earlier, after: wanted)
        if !isSameContent || !isAlone || current.kind != .regular || owner == nil
            || wanted.grants(over: before) || !ApplyJournal.holds(step)
        {
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
        try add(step)
    }

    func hasSameContent(
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
}
