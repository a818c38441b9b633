internal import LinuxSystem
internal import SystemPackage

/// `exec`, and a start that joins a pid namespace: the process becomes one of those there.
///
/// A program with CAP_SYS_PTRACE finds in it no right that it could not have itself, no descriptor
/// of the host, and neither the caller's environment nor its arguments (CVE-2016-9962).
struct EnterProcesses: ContainerStep {
    static let manual = StepManual(
        "become a process of the pid namespace",
        what: """
            Makes a copy of itself in the pid namespace, which is a child of the runtime process, \
            and ends.
            """,
        why: """
            Only of exec, and where a pid namespace is joined, after the last step that takes more \
            rights than the program has. Until here the process has no pid there; from here on a \
            program with CAP_SYS_PTRACE can look into it. The session comes after it, since it \
            has a pid too, and the filter, which then need not allow clone3. Without no_new_privs \
            the filter is there already and has to allow clone3 or clone.
            """,
        calls: "clone3, prctl, write")

    let summary = "become a process of the pid namespace"
    var needs: Provisions { [.channel] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let channel = try context.channel.given(.channel)
        let isCopy = try make()
        if !isCopy { CurrentProcess.exit(0) }
        // Of the process that was copied.
        try TieToRuntime().apply(context)
        try attempt(
            "write", "to the runtime process",
            try channel.channel.borrowed.write(all: InitMessage.entered.encoded))
    }

    private func make() throws(Failure) -> Bool {
        try attempt(
            "clone3", "in the pid namespace",
            advice: {
                switch $0 {
                case .resourceTemporarilyUnavailable:
                    "the container has as many processes as linux.resources.pids allows, or is"
                        + " scheduled by SCHED_DEADLINE"
                case .noMemory: "the container has ended: its pid namespace has no first process"
                case .notPermitted, .noFunction:
                    "without noNewPrivileges the seccomp profile has to allow clone3 or clone"
                default: nil
                }
            }, try CurrentProcess.forkSibling())
    }
}
