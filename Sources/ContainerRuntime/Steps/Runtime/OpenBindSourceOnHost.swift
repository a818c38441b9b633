internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` with `bind` or `rbind`: the source, where the init process may not open it.
struct OpenBindSourceOnHost: RuntimeStep {
    static let manual = StepManual(
        "open a bind source on the host",
        what: """
            The runtime process clones the mount behind a source, and maps its ids where the \
            mount asks for it. The clone is attached nowhere until the init process attaches it.
            """,
        why: """
            Only with a user namespace made by root, whose own root may not be allowed to enter \
            what leads to the source, and for mounts with mapped ids, which only the owner of the \
            file system may map.
            """,
        calls: "openat, open_tree, mount_setattr")

    let source: HostBindSource
    let idMapping: Configuration.Mount.IDMapping?
    /// Of the container's user namespace; nil where it is joined.
    let mappings: IDMappings?
    /// The directory of the host that becomes the root.
    var root: String?

    var summary: String { source.summary + (idMapping == nil ? "" : ", with its ids mapped") }
    var needs: Provisions {
        idMapping != nil && idMapping?.mappings == nil && mappings == nil ? [.idMappings] : []
    }
    var gives: Provisions { [.bindSources] }

    func shell(_ commands: inout ShellCommands) {
        if idMapping != nil { commands.note("The ids are not mapped: that takes mount(8) 2.39.") }
        source.shell(&commands)
    }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let found = try SourceInRoot(source: source, root: root).look(context.handover)
        if idMapping != nil {
            // The ids of what an earlier mount provides are not mapped: it has to be the host's.
            context.handover.innerSources[source.position] = nil
        } else if !found.isOnHost {
            return
        }
        guard let prepared = context.prepared else {
            return context.handover.keep(
                try open(context, found.file), at: source.position)
        }
        let opened: BindSource
        if let known = prepared.sources[source.position] {
            opened = known
        } else {
            opened = try open(context, found.file)
        }
        do throws(Errno) {
            let clone = try DetachedMount.clone(
                opened.tree.borrowed, recursive: source.isRecursive)
            context.handover.keep(
                BindSource(clone, isDirectory: opened.isDirectory), at: source.position)
        } catch .invalidArgument {
            // Before Linux 6.15 what hangs nowhere is not cloned: each start opens it.
            return context.handover.keep(opened, at: source.position)
        } catch {
            throw Failure("open_tree", source.path.inQuotes, error)
        }
        if prepared.sources.updateValue(opened, forKey: source.position) == nil {
            try prepared.note(source.path, opened.tree.borrowed)
        }
    }

    private func open(
        _ context: RuntimeContext, _ file: HeldDescriptor?
    ) throws(Failure) -> BindSource {
        // Those of the init process are no peers of the host's mounts; this one would be.
        let opened = try source.open(file, propagation: .slave)
        if let idMapping {
            let own = idMapping.mappings ?? mappings ?? context.idMappings
            try own.given(.idMappings).apply(
                to: opened.tree, recursive: idMapping.isRecursive, named: source.path.inQuotes,
                by: context.mappingNamespaces)
        }
        return opened
    }
}
