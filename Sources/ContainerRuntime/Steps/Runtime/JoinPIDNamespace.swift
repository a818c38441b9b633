internal import LinuxSystem

/// `linux.namespaces[].path` of a pid namespace, which the init process is made in.
struct JoinPIDNamespace: RuntimeStep {
    static let manual = StepManual(
        "join a pid namespace",
        what: """
            The runtime process stays where it is; its children are made in the other namespace.
            """,
        why: """
            Before the init process is made: only processes that are made afterwards are in the \
            namespace.
            """,
        calls: "openat, setns")

    let namespace: Configuration.JoinedNamespace
    var summary: String { JoinNamespace(namespace: namespace).summary }

    func apply(_ context: RuntimeContext) throws(Failure) {
        try JoinNamespace(namespace: namespace).join()
    }
}
