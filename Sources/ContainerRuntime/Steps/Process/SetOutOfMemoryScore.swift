internal import LinuxSystem
internal import SystemPackage

/// `process.oomScoreAdj`
struct SetOutOfMemoryScore: ContainerStep {
    static let manual = StepManual(
        "set the OOM score",
        what: """
            Sets how likely the kernel kills the process when memory runs out. What it starts \
            inherits the score.
            """,
        why: """
            Late, since it would hit the runtime's own work. Before the change of user: an \
            unprivileged user may not lower it.
            """,
        calls: "openat2, write")

    let score: OutOfMemoryScore

    var summary: String { score.summary }

    func shell(_ commands: inout ShellCommands) {
        commands.run("echo", .value("\(score.value)"), "> /proc/self/oom_score_adj")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let proc = try context.openPrivateProc()
        try score.set { () throws(Errno) in
            try proc.directory.open("self/oom_score_adj", .writeOnly)
        }
    }
}
