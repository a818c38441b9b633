internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import Sandbox
internal import SystemPackage

/// As whom files of a sandbox are read, and the owners that they have outside.
struct OwnerReader {
    /// Of files as they are read.
    let mappings: IDMappings?
    let owners: ApplyOwners

    /// - Parameter recorded: The ids of the sandbox's user namespace. This process becomes its root
    ///   where the caller can.
    init(_ recorded: IDMappings?) throws(Failure) {
        let caller = Credentials.effectiveUser
        if caller == 0 {
            mappings = recorded
            owners = ApplyOwners(mappings: recorded, user: nil)
            return
        }
        _ = try MappedOwners.become(recorded, keepsUser: true)
        mappings = nil
        // Its id in the namespace that it is in now.
        owners = ApplyOwners(mappings: nil, user: Credentials.effectiveUser)
    }
}

/// A directory of the host, and what sandboxes have written in place of it.
struct ChangedTree {
    let kept: KeptUpper
    let stack: LayerStack
    let uppers: Int
    let tree: AppliedTree
    let begun: FileTime?
    let owners: ApplyOwners
    let rules: GuardRules
    /// In front of the paths that are printed; empty for those inside a container.
    let prefix: String

    /// The upper of `--upper`, and the directory that its only layer is.
    ///
    /// - Parameter onto: Another directory; nil: the layer.
    init(keptIn path: String, onto: String?) throws(Failure) {
        let kept = try KeptUpper(opening: path)
        try kept.lock()
        guard let record = try kept.record() else {
            throw Failure(
                "\(path.inQuotes) has no record of the layers below it, so that nothing is known to"
                    + " apply its changes to; name a directory that --upper has kept")
        }
        if onto == nil && record.layers.count != 1 {
            throw Failure(
                "\(path.inQuotes) was written over \(record.layers.count) layers; name the"
                    + " directory that its changes are applied to with --onto DIR")
        }
        var reader: OwnerReader?
        try self.init(
            kept, record, &reader, tree: onto ?? record.layers[0],
            begun: AppliedChanges.begun(kept), prefix: "", isUsedInPlace: onto != nil)
    }

    /// A tree of a kept sandbox.
    ///
    /// - Parameters:
    ///   - reader: That of the trees before; the same sandbox has one.
    ///   - locks: Whether no run may write to it meanwhile.
    /// - Returns: Nil where no run has written to it.
    init?(
        _ recorded: KeptSandbox.Tree, of sandbox: KeptSandbox, _ reader: inout OwnerReader?,
        locks: Bool
    ) throws(Failure) {
        let path = sandbox.path(of: recorded)
        if try attempt("stat", on: path, try unlessMissing(try FileStatus.of(path: path))) == nil {
            return nil
        }
        let kept = try sandbox.upper(of: recorded)
        if locks { try kept.lock() }
        guard let record = try kept.record() else { return nil }
        try self.init(
            kept, record, &reader, tree: recorded.path, begun: recorded.begun,
            prefix: recorded.path, isUsedInPlace: true)
    }

    private init(
        _ kept: KeptUpper, _ record: KeptUpper.Record, _ known: inout OwnerReader?, tree: String,
        begun: FileTime?, prefix: String, isUsedInPlace: Bool
    ) throws(Failure) {
        let reader: OwnerReader
        if let known { reader = known } else { reader = try OwnerReader(record.owners) }
        known = reader
        let (opened, frozen) = try kept.uppers(since: nil)
        var stack = try LayerStack(
            uppers: opened, over: record.layers + frozen, marks: record.marks)
        stack.owners = reader.mappings
        owners = reader.owners
        self.kept = kept
        self.stack = stack
        uppers = opened.count
        self.tree = try AppliedTree(tree)
        self.begun = begun
        self.prefix = prefix
        rules = GuardRules(root: tree, isUsedInPlace: isUsedInPlace)
    }

    /// What was applied of it.
    func applied() throws(Failure) -> AppliedChanges {
        try AppliedChanges(kept, to: tree, begun: begun)
    }

    /// The selection that the operands make in this tree; nil where they are all in other trees.
    ///
    /// - Parameter paths: Relative to the working directory or to the tree, or absolute: on the host
    ///   or in the tree.
    func selection(_ paths: [String], isOnly: Bool) throws(Failure) -> ApplySelection? {
        var inside: [String] = []
        for path in paths {
            let absolute = HostPath.cleaned(try LoadedConfig.absolute(path))
            let root = tree.path == "/" ? "/" : tree.path + "/"
            if absolute == tree.path {
                inside.append("")
            } else if absolute.hasPrefix(root) {
                inside.append(String(absolute.dropFirst(root.count)))
            } else if isOnly {
                inside.append(HostPath.cleaned("/" + path))
            }
        }
        return inside.isEmpty ? nil : ApplySelection(inside)
    }
}
