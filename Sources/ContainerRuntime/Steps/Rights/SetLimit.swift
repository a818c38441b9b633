internal import LinuxSystem
internal import SystemPackage

/// `process.rlimits`
struct SetLimit: ContainerStep {
    static let manual = StepManual(
        "set a limit",
        what: "Sets a resource limit of the program: open files, processes, memory, CPU time.",
        why: """
            After the last step that opens a file: RLIMIT_NOFILE counts the runtime's own, and \
            with 3 or 4 neither the session nor the working directory could be set up. Before the \
            change of user: raising a limit takes CAP_SYS_RESOURCE, and setresuid(2) compares \
            RLIMIT_NPROC with the new user's processes, after which execve fails. A RLIMIT_NOFILE \
            below 32 stands directly before the program where a step in between opens \
            descriptors; a seccomp profile then has to allow prlimit64.
            """,
        calls: "prlimit64")

    let limit: Configuration.Limit

    var summary: String {
        "limit \(limit.resource.name) to \(limit.soft.words), at most \(limit.hard.words)"
    }

    func shell(_ commands: inout ShellCommands) {
        let name = limit.resource.name.dropFirst("RLIMIT_".count).lowercased()
        commands.run(
            "prlimit", "--pid $$", .value("--\(name)=\(limit.soft.words):\(limit.hard.words)"))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        try attempt(
            "setrlimit", limit.resource.name,
            advice: {
                $0 == .notPermitted ? "raising a hard limit takes CAP_SYS_RESOURCE" : nil
            }, try CurrentProcess.setLimit(limit.resource, soft: limit.soft, hard: limit.hard))
    }
}

extension UInt64 {
    /// A limit for people.
    fileprivate var words: String { self == .max ? "unlimited" : String(self) }
}
