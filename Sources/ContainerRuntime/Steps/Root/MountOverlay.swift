internal import Images
internal import LinuxSystem

/// `vfs.overlay`, by the init process.
struct MountOverlay: ContainerStep {
    static let manual = StepManual(
        "mount the overlay",
        what: """
            Stacks the layers to one tree. What the container writes goes to the upper, what it \
            deletes leaves a whiteout there, and the layers stay as they are. The throw-away \
            upper lies on a tmpfs mounted under the overlay, out of sight. A root without layers \
            is a directory of that tmpfs. A restored upper begins with what the checkpoint has \
            saved of it.
            """,
        why: """
            In this mount namespace, since the kernel takes no layer that was opened in another. \
            After mounts are separated from the host's, before the pivot.
            """,
        calls: "openat2, fsopen, fsconfig, fsmount, move_mount")

    let overlay: OverlayAssembly

    var summary: String { overlay.summary }
    var undoing: String { overlay.undoing }
    var needs: Provisions { overlay.layers.isEmpty ? [] : [.layers] }
    var gives: Provisions { [.root, .mountedUpper] }

    func shell(_ commands: inout ShellCommands) {
        overlay.shell(&commands, onRoot: true)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let saved = context.handover.savedUpper
        let mounted = try overlay.mount(try context.openLayers(), &context.scratch) {
            (upper) throws(Failure) in
            guard let saved else { return }
            try LayerExtraction.write(
                saved.borrowed, named: CheckpointImages.upperName(nil),
                into: upper.openForReading())
        }
        context.root = mounted.root
        context.mountedUpper = mounted.upper
    }
}
