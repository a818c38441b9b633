internal import LinuxSystem
internal import SystemPackage

/// A bind mount's source is opened while the host's tree is there; it is attached when the
/// container's is. In between it hangs nowhere.
///
/// Of the runtime where the init process may not be allowed to, as the root of a user namespace,
/// and where ids are mapped, which only the file system's owner may do.
struct OpenBindSource: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "open a bind source",
            what: """
                Clones the mount behind a source. The clone is attached nowhere until the step that \
                mounts it.
                """,
            why: """
                Before the pivot, after which no path leads to the host. A new mount namespace lets the \
                init process clone what it may reach.
                """,
            calls: "openat, open_tree, mount_setattr")
    }

    let source: HostBindSource

    var summary: String { source.summary }

    func apply(_ context: ContainerContext) throws(StepError) {
        context.keep(try source.open(), at: source.position)
    }
}
