internal import LinuxSystem
internal import SystemPackage

/// `vfs.copyOnWrite`, by the init process.
struct MountCopyOnWriteTree: ContainerStep {
    static let manual = StepManual(
        "mount a copy-on-write tree",
        what: """
            Mounts an overlay over a directory of the host, in this mount namespace only. What \
            the container writes to it goes to an upper; the directory stays as it is. Every \
            throw-away upper of a container lies on one tmpfs.
            """,
        why: """
            Before the pivot, after which no path leads to the host. A clone of the overlay is \
            attached at its place in the container by a later step.
            """,
        calls: "openat2, fsopen, fsconfig, fsmount, move_mount, open_tree")

    let overlay: OverlayAssembly
    /// Among the sources of all bind mounts, counted from 0.
    let position: Int
    let number: Int

    var summary: String { overlay.summary }
    var undoing: String { overlay.undoing }
    var needs: Provisions { [.layers] }
    var gives: Provisions { [.bindSources, .mountedUpper] }

    func shell(_ commands: inout ShellCommands) { overlay.shell(&commands, onRoot: false) }

    func apply(_ context: ContainerContext) throws(Failure) {
        let tree = try overlay.mountTree(try context.openLayers(), &context.scratch) {
            context.mountedTrees[number] = $0
        }
        context.handover.keep(BindSource(tree, isDirectory: true), at: position)
    }
}
