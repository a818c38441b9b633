internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// Without a namespace of cgroups a fresh mount would show those of the whole host: the
/// container's own are cloned instead, while the host's tree is there.
struct OpenControlGroups: ContainerStep {
    static var manual: StepManual {
        StepManual(
            "open the control groups",
            what: "Clones the container's own cgroup as a mount.",
            why: """
                Only without a cgroup namespace, where a new mount would show the cgroups of the whole \
                host. Before the pivot, while the host's tree is there.
                """,
            calls: "open_tree")
    }

    let summary = "open the container's control groups for binding"

    func apply(_ context: StartContext) throws(StepError) {
        guard let layout = context.controlGroups else {
            throw StepError("the plan has not looked for control groups")
        }
        for (name, path) in layout.places(of: context.controlGroup) {
            let tree = try stepping("open_tree", path.inQuotes) { () throws(Errno) in
                BindSource(try DetachedMount.clone(path, recursive: false), isDirectory: true)
            }
            context.controlGroupTrees.append((name, tree))
        }
    }
}
