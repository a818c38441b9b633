internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[]` of type `ipc` in a user namespace.
struct SeparateMessageQueues: ContainerStep {
    static let manual = StepManual(
        "make an ipc namespace",
        what: "Makes the namespace of System V objects and POSIX message queues.",
        why: """
            Only with a user namespace, after its ids are mapped: the directory of the message queues, \
            which are mounted on /dev/mqueue, belongs to the user that makes the namespace, and clone3 \
            would make it while no id is mapped.
            """,
        calls: "unshare")

    let summary = "make a namespace of message queues, as root of the user namespace"

    func shell(_ commands: inout ShellCommands) {
        commands.executeAgain("unshare", "--ipc")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt("unshare", "CLONE_NEWIPC", try CurrentProcess.leaveNamespaces(.ipc))
    }
}
