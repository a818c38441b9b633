internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// `vfs.overlay` of a container with a user namespace, by the runtime process.
struct MountOverlayAside: RuntimeStep {
    static var manual: StepManual {
        StepManual(
            "mount the overlay for a user namespace",
            what: """
                A process of the runtime's mounts the overlay in a mount namespace of its own and \
                passes it on. It is attached nowhere until the init process attaches it.
                """,
            why: """
                Only with a user namespace, and by root: the container's root may not be allowed \
                to enter what leads to the layers, and an overlay mounted by it could do less.
                """,
            calls: """
                clone3, openat2, fsopen, fsconfig, fsmount, mount_setattr, open_tree, sendmsg
                """)
    }

    let overlay: OverlayAssembly
    /// Of the container's user namespace; nil where it is joined.
    let mappings: IDMappings?

    var summary: String { overlay.summary }
    var undoing: String { overlay.undoing }
    var needs: Provisions { mappings == nil ? [.layers, .idMappings] : [.layers] }
    var gives: Provisions { [.rootTree, .mountedUpper] }

    func apply(_ context: RuntimeContext) throws(StepError) {
        let mappings = try mappings ?? context.idMappings.given(.idMappings)
        let layers = try context.handover.layers.given(.layers)
        let answers = try stepping("clone3", "mount") { () throws(Errno) in
            try ChildProcess.runAside(.mount) { channel in
                do throws(StepError) {
                    try mountAside(layers, mappings, answering: channel)
                } catch {
                    let words = InitMessage.failed(step: 0, exitCode: nil, message: error.message)
                    // Where it cannot say so, nothing to be received says that it failed.
                    _ = try? channel.send(words.encoded)
                }
            }
        }
        let tree = try take(.root, from: answers)
        context.handover.rootTree = BindSource(DetachedMount(tree), isDirectory: true)
        context.mountedUpper = OverlayDirectory(
            path: "upper", descriptor: try take(.upper, from: answers))
    }

    private func mountAside(
        _ layers: [String: FoundDirectory], _ mapping: IDMappings,
        answering channel: borrowing Channel
    ) throws(StepError) {
        try stepping("mount_setattr", "\"/\" rslave") { () throws(Errno) in
            try MountTree.setRootPropagation(.slave, recursive: true)
        }
        let mounted = try overlay.mount(layers, mapping: mapping)
        try stepping("open_tree", "the overlay") { () throws(Errno) in
            let tree = try DetachedMount.clone(mounted.root.directory.borrowed, recursive: false)
            try channel.send(InitMessage.root.encoded, passing: tree.borrowed)
            try channel.send(InitMessage.upper.encoded, passing: mounted.upper.borrowed)
        }
    }

    private func take(
        _ wanted: InitMessage, from channel: borrowing Channel
    ) throws(StepError) -> OwnedDescriptor {
        let message = try stepping("recvmsg") { () throws(Errno) in try channel.receive() }
        guard let message else {
            throw StepError("the process that mounts the overlay has ended without a word")
        }
        let found = InitMessage(message.bytes)
        if case .failed(_, _, let words) = found { throw StepError(words) }
        guard found == wanted, let descriptor = message.takeDescriptor() else {
            throw StepError("the process that mounts the overlay sent an unknown message")
        }
        return descriptor
    }
}
