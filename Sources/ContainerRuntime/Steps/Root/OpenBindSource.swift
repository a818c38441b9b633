internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` with `bind` or `rbind`: the source.
struct OpenBindSource: ContainerStep {
    static let manual = StepManual(
        "open a bind source",
        what: """
            Clones the mount behind a source. The clone is attached nowhere until the step that \
            mounts it.
            """,
        why: """
            Before the pivot, after which no path leads to the host. A new mount namespace lets \
            the init process clone what it may reach.
            """,
        calls: "openat, open_tree, mount_setattr")

    let source: HostBindSource
    /// The directory of the host that becomes the root.
    var root: String?

    var summary: String { source.summary }
    var gives: Provisions { [.bindSources] }

    func shell(_ commands: inout ShellCommands) {
        source.shell(&commands)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let found = try SourceInRoot(source: source, root: root).look(context.handover)
        if found.isOnHost {
            context.handover.keep(try source.open(found.file), at: source.position)
        }
    }
}
