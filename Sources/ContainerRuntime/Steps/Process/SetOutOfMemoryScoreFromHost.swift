internal import LinuxSystem
internal import SystemPackage

/// `process.oomScoreAdj` with a user namespace, which does not own the file.
struct SetOutOfMemoryScoreFromHost: TurnStep {
    static let manual = StepManual(
        "set the OOM score from the host",
        what: """
            The runtime process sets how likely the kernel kills the init process when memory \
            runs out.
            """,
        why: """
            Only with a user namespace, whose root may not lower the score. Late, since it would \
            hit the runtime's own work.
            """,
        calls: "openat, write")

    let score: OutOfMemoryScore

    var summary: String { score.summary }

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        // The host's own procfs, which nothing in a container reaches.
        try score.set { () throws(Errno) in
            try HostPath.open("/proc/\(process.pid)/oom_score_adj", .writeOnly)
        }
    }
}
