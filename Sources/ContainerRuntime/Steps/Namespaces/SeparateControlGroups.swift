internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[]` of type `cgroup`, where the container has a cgroup of its own.
struct SeparateControlGroups: ContainerStep {
    static let manual = StepManual(
        "make a cgroup namespace",
        what: "From here on the container's own cgroup looks like the root of the hierarchy.",
        why: """
            After the cgroup is entered. clone3 would give the namespace the runtime process's \
            cgroup as its root, even with CLONE_INTO_CGROUP. Without a cgroup of the container's \
            own clone3 makes this namespace too.
            """,
        calls: "unshare")

    let summary = "make a namespace of control groups, with its root here"

    func shell(_ commands: inout ShellCommands) {
        commands.executeAgain("unshare", "--cgroup")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("unshare", "CLONE_NEWCGROUP", try CurrentProcess.leaveNamespaces(.cgroup))
    }
}
