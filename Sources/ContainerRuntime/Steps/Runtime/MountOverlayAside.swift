internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// `vfs.overlay` of a container with a user namespace, by the runtime process.
struct MountOverlayAside: RuntimeStep {
    static let manual = StepManual(
        "mount the overlay for a user namespace",
        what: """
            A process of the runtime's mounts the overlay in a mount namespace of its own and \
            passes it on. It is attached nowhere until the init process attaches it.
            """,
        why: """
            Only with a user namespace, and by root: the container's root may not be allowed to \
            enter what leads to the layers, and an overlay mounted by it could do less.
            """,
        calls: "clone3, openat2, fsopen, fsconfig, fsmount, mount_setattr, open_tree, sendmsg")

    let overlay: OverlayAssembly
    /// Of the container's user namespace; nil where it is joined.
    let mappings: IDMappings?

    var summary: String { overlay.summary }
    var undoing: String { overlay.undoing }
    var needs: Provisions { mappings == nil ? [.layers, .idMappings] : [.layers] }
    var gives: Provisions { [.rootTree, .mountedUpper] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let mappings = try (mappings ?? context.idMappings).given(.idMappings)
        let layers = try context.handover.layers.given(.layers)
        let answers = try attempt(
            "clone3", "mount",
            try ChildProcess.runAside(.mount) { channel in
                do throws(Failure) {
                    try mountAside(layers, mappings, answering: channel)
                } catch {
                    let words = InitMessage.failed(step: 0, error)
                    // Where it cannot say so, nothing to be received says that it failed.
                    _ = try? channel.send(words.encoded)
                }
            })
        let tree = try take(.root, from: answers)
        context.handover.rootTree = BindSource(DetachedMount(tree), isDirectory: true)
        context.mountedUpper = OverlayDirectory(
            path: "upper", descriptor: try take(.upper, from: answers))
    }

    private func mountAside(
        _ layers: [String: FoundDirectory], _ mapping: IDMappings,
        answering channel: borrowing Channel
    ) throws(Failure) {
        try attempt(
            "mount_setattr", "\"/\" rslave",
            try MountTree.setRootPropagation(.slave, recursive: true))
        let mounted = try overlay.mount(layers, mapping: mapping)
        let tree = try attempt(
            "open_tree", "the overlay",
            try DetachedMount.clone(mounted.root.directory.borrowed, recursive: false))
        try attempt(
            "sendmsg", "the overlay",
            try channel.send(InitMessage.root.encoded, passing: tree.borrowed))
        try attempt(
            "sendmsg", "the upper",
            try channel.send(InitMessage.upper.encoded, passing: mounted.upper.borrowed))
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
