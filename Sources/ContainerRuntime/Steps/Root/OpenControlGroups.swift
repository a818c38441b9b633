internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` of type `cgroup` without a cgroup namespace.
struct OpenControlGroups: ContainerStep {
    static let manual = StepManual(
        "open the control groups",
        what: "Clones the container's own cgroup as a mount.",
        why: """
            Only without a cgroup namespace, where a new mount would show the cgroups of the \
            whole host. Before the pivot, while the host's tree is there.
            """,
        calls: "open_tree")

    let summary = "open the container's control groups for binding"
    var needs: Provisions { [.controlGroups] }
    var gives: Provisions { [.controlGroupTrees] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let layout = try context.handover.controlGroups.given(.controlGroups)
        var trees: [(name: String, tree: BindSource)] = []
        for (name, path) in layout.places(of: context.handover.controlGroup) {
            let tree = try attempt(
                "open_tree", on: path,
                try BindSource(DetachedMount.clone(path, recursive: false), isDirectory: true))
            trees.append((name, tree))
        }
        context.controlGroupTrees = trees
    }
}
