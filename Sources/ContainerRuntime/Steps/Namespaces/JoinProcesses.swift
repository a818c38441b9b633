internal import LinuxSystem
internal import SystemPackage

/// `linux.namespaces[].path` of a pid namespace.
struct JoinProcesses: ContainerStep {
    static let manual = StepManual(
        "join a pid namespace",
        what: """
            The init process stays outside of the namespace; the next process that it makes is \
            in it. A process of its own, without any right, user, file or descriptor of the \
            host, makes the contexts of proc in there.
            """,
        why: """
            Before the mounts of proc, which are to show the namespace. Processes in it with \
            CAP_SYS_PTRACE can look into any other, so the container process is made in it \
            when it has no more rights than its program.
            """,
        calls: "openat, clone3, setns, setresuid, unshare, pivot_root, fsopen, sendmsg")

    let namespace: Configuration.JoinedNamespace
    /// How many mounts of proc are to show it.
    let procCount: Int
    var summary: String { JoinNamespace(namespace: namespace).summary }

    func apply(_ context: ContainerContext) throws(Failure) {
        let file = try attempt(
            "open", on: namespace.path, try HostPath.open(namespace.path, .readOnly))
        try join(file.borrowed, context)
    }

    func join(_ file: FileDescriptor, _ context: ContainerContext) throws(Failure) {
        // One for the process that waits for the start, which three steps try to mount.
        let waits = context.handover.fifo != nil
        context.procContexts =
            procCount == 0 && !waits
            ? [] : try JoinedProcMaker(namespace: file).make(procCount + (waits ? 3 : 0))
        try attempt(
            "setns", on: namespace.path, advice: { JoinNamespace.advice($0, namespace.name) },
            try file.joinNamespace(.pid))
        // While this process has the right to it.
        if waits { try context.openJoinedProc() }
    }
}
