internal import ContainerRuntime
internal import Layers
internal import LinuxSystem
internal import SystemPackage

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
        try self.init(
            kept, record, over: record.layers, tree: onto ?? record.layers[0],
            begun: AppliedChanges.begun(kept), prefix: "", isUsedInPlace: onto != nil)
    }

    private init(
        _ kept: KeptUpper, _ record: KeptUpper.Record, over layers: [String], tree: String,
        begun: FileTime?, prefix: String, isUsedInPlace: Bool
    ) throws(Failure) {
        let caller = Credentials.effectiveUser
        // As the root of the sandbox's user namespace this process can read all that is in it.
        let isOwner = try MappedOwners.become(record.owners)
        let (opened, frozen) = try kept.uppers(since: nil)
        var stack = try LayerStack(uppers: opened, over: layers + frozen, marks: record.marks)
        if caller == 0 {
            stack.owners = record.owners
            owners = ApplyOwners(mappings: record.owners, user: nil)
        } else {
            let inside = isOwner ? record.owners?.users.inside(of: caller) : nil
            owners = ApplyOwners(mappings: nil, user: inside ?? caller)
        }
        self.kept = kept
        self.stack = stack
        uppers = opened.count
        self.tree = try AppliedTree(tree)
        self.begun = begun
        self.prefix = prefix
        rules = GuardRules(tree: isUsedInPlace ? tree : nil)
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
