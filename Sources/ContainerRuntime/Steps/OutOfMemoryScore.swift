internal import LinuxSystem
internal import SystemPackage

/// `process.oomScoreAdj`, through the runtime's own procfs, or by the runtime process.
struct SetOutOfMemoryScore: Step {
    let score: Int
    var side = Side.container
    /// Whether it is an error where it cannot be set; it confines nothing.
    var isRequired = true

    var summary: String { "set the out-of-memory score to \(score)" }

    func apply(_ context: StartContext) throws(StepError) {
        if side == .container {
            let proc = try context.openPrivateProc()
            return try set { () throws(Errno) in
                try proc.directory.open("self/oom_score_adj", .writeOnly)
            }
        }
        let process = try context.madeProcess()
        // The host's own procfs, which nothing in a container reaches.
        try set { () throws(Errno) in
            try HostPath.open("/proc/\(process.pid)/oom_score_adj", .writeOnly)
        }
    }

    private func set(_ open: () throws(Errno) -> OwnedDescriptor) throws(StepError) {
        try stepping(
            "write", "\"oom_score_adj\"",
            advice: {
                $0 == .permissionDenied || $0 == .notPermitted
                    ? "lowering it takes CAP_SYS_RESOURCE" : nil
            }
        ) { () throws(Errno) in
            do throws(Errno) {
                let file = try open()
                try file.borrowed.write(all: Array(String(score).utf8))
            } catch .permissionDenied where !isRequired {
            }
        }
    }
}
