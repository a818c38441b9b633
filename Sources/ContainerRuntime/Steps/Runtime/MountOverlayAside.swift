internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// `vfs.overlay` of a container with a user namespace, by the runtime process.
struct MountOverlayAside: RuntimeStep {
    static let manual = StepManual(
        "mount the overlay for a user namespace",
        what: """
            Makes the overlay, and one for each copy-on-write tree. They are attached nowhere until \
            the init process attaches them. Before Linux 6.15, where overlayfs takes no layer and no \
            upper from a mount that is attached nowhere, a process in a mount namespace of its own \
            does so and passes them on.
            """,
        why: """
            Only with a user namespace, and by root: the container's root may not be allowed to \
            enter what leads to the layers, and an overlay mounted by it could do less.
            """,
        calls: "clone3, openat2, fsopen, fsconfig, fsmount, mount_setattr, open_tree, sendmsg")

    /// That of the root, where it has one.
    var overlay: OverlayAssembly?
    /// Those of copy-on-write trees, each with its position among the sources of bind mounts.
    let trees: [(overlay: OverlayAssembly, position: Int)]
    /// Whether the uppers of these are wanted when the container has ended.
    var keepsUppers = false
    /// Of the container's user namespace; nil where it is joined.
    let mappings: IDMappings?

    private var all: [OverlayAssembly] {
        (overlay.map { [$0] } ?? []) + trees.map(\.overlay)
    }

    var summary: String { all.map(\.summary).joined(separator: "; ") }
    var undoing: String { all.first?.undoing ?? "" }
    var needs: Provisions {
        let ids: Provisions = mappings == nil ? [.idMappings] : []
        return all.contains { !$0.layers.isEmpty } ? ids.union(.layers) : ids
    }
    var gives: Provisions {
        var own: Provisions = overlay == nil ? [] : [.rootTree, .mountedUpper]
        if keepsUppers { own.insert(.mountedUpper) }
        return trees.isEmpty ? own : own.union(.bindSources)
    }

    func shell(_ commands: inout ShellCommands) {
        overlay?.shell(&commands, onRoot: true, owner: mappings)
        for (tree, _) in trees { tree.shell(&commands, onRoot: false, owner: mappings) }
    }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let mappings = try (mappings ?? context.idMappings).given(.idMappings)
        let layers = context.handover.layers ?? [:]
        // Here: the process that mounts covers its root, and the kernel makes no user namespace for
        // one whose root is covered.
        if all.contains(where: { !$0.layers.isEmpty }) {
            _ = try context.mappingNamespaces.namespace(of: mappings)
        }
        if context.prepared?.mountsDetached != false {
            do throws(Failure) {
                return try mountDetached((mappings, context.mappingNamespaces), context)
            } catch  where context.prepared == nil {
                // The kernel is older, or the other way fails too and says why. To ask the kernel before
                // takes longer: it waits for all processors when such a mount goes.
                context.handover.rootTree = nil
                context.mountedUpper = nil
                context.mountedTrees = [:]
            }
        }
        let answers = try attempt(
            "clone3", "mount",
            try ChildProcess.runAside(.mount) { channel in
                do throws(Failure) {
                    try mountAside(
                        layers, (mappings, context.mappingNamespaces), answering: channel)
                } catch {
                    let words = InitMessage.failed(step: 0, error)
                    // Where it cannot say so, nothing to be received says that it failed.
                    _ = try? channel.send(words.encoded)
                }
            })
        if overlay != nil {
            context.handover.rootTree = try takeTree(answers)
            context.mountedUpper = OverlayDirectory(
                path: "upper", descriptor: try take(.upper(), from: answers))
        }
        for (number, (_, position)) in trees.enumerated() {
            if keepsUppers {
                let upper = try take(.upper(tree: number), from: answers)
                context.mountedTrees[number] = OverlayDirectory(path: "upper", descriptor: upper)
            }
            context.handover.keep(try takeTree(answers), at: position)
        }
    }

    /// Whether the kernel takes mounts that hang nowhere for layers and uppers. Since Linux 6.15, as a
    /// copy of such a mount.
    static var isDetached: Bool {
        func tries() throws(Errno) {
            let one = try DetachedMount.clone("/", recursive: false)
            _ = try DetachedMount.clone(one.borrowed, recursive: false)
        }
        do throws(Errno) {
            try tries()
            return true
        } catch {
            return false
        }
    }

    /// As `mountAside`, by this process: nothing of it is attached.
    private func mountDetached(
        _ mapping: (ids: IDMappings, namespaces: MappingNamespaces), _ context: RuntimeContext
    ) throws(Failure) {
        let layers = context.handover.layers ?? [:]
        let prepared = context.prepared
        let opened =
            if let prepared { try prepared.layers(layers) } else { try OpenedLayers(layers) }
        var scratch = prepared?.scratch
        defer { if let prepared, prepared.keepsScratch { prepared.scratch = scratch } }
        func mount(_ overlay: OverlayAssembly) throws(Failure) -> (BindSource, OverlayDirectory) {
            var overlay = overlay
            overlay.isAttached = false
            let mounted = try overlay.mount(opened, &scratch, mapping: mapping)
            let root = try attempt(
                "dup", "of the overlay",
                try OwnedDescriptor.duplicate(mounted.root.directory.borrowed))
            return (BindSource(DetachedMount(root), isDirectory: true), mounted.upper)
        }
        if let overlay {
            let (root, upper) = try mount(overlay)
            context.handover.rootTree = root
            context.mountedUpper = upper
        }
        for (number, (overlay, position)) in trees.enumerated() {
            let (root, upper) = try mount(overlay)
            if keepsUppers { context.mountedTrees[number] = upper }
            context.handover.keep(root, at: position)
        }
    }

    private func takeTree(_ answers: borrowing Channel) throws(Failure) -> BindSource {
        BindSource(DetachedMount(try take(.root, from: answers)), isDirectory: true)
    }

    private func mountAside(
        _ layers: [String: FoundDirectory],
        _ mapping: (ids: IDMappings, namespaces: MappingNamespaces),
        answering channel: borrowing Channel
    ) throws(Failure) {
        try attempt(
            "mount_setattr", "\"/\" rslave",
            try MountTree.setRootPropagation(.slave, recursive: true))
        let opened = try OpenedLayers(layers)
        var scratch: HeldDescriptor?
        if let overlay {
            let mounted = try overlay.mount(opened, &scratch, mapping: mapping)
            let tree = try attempt(
                "open_tree", "the overlay",
                try DetachedMount.clone(mounted.root.directory.borrowed, recursive: false))
            try send(tree, on: channel)
            try attempt(
                "sendmsg", "the upper",
                try channel.send(InitMessage.upper().encoded, passing: mounted.upper.borrowed))
        }
        for (number, (overlay, _)) in trees.enumerated() {
            let tree = try overlay.mountTree(opened, &scratch, mapping: mapping) {
                (upper) throws(Failure) in
                if !keepsUppers { return }
                try attempt(
                    "sendmsg", "the upper",
                    try channel.send(
                        InitMessage.upper(tree: number).encoded, passing: upper.borrowed))
            }
            try send(tree, on: channel)
        }
    }

    private func send(
        _ tree: borrowing DetachedMount, on channel: borrowing Channel
    ) throws(Failure) {
        try attempt(
            "sendmsg", "the overlay",
            try channel.send(InitMessage.root.encoded, passing: tree.borrowed))
    }

    private func take(
        _ wanted: InitMessage, from channel: borrowing Channel
    ) throws(Failure) -> OwnedDescriptor {
        let message = try attempt("recvmsg", try channel.receive())
        guard let message else {
            throw Failure("the process that mounts the overlay has ended without a word")
        }
        let found = InitMessage(message.bytes)
        if case .failed(_, let failure) = found { throw failure }
        guard found == wanted, let descriptor = message.takeDescriptor() else {
            throw Failure("the process that mounts the overlay sent an unknown message")
        }
        return descriptor
    }
}
