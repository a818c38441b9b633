internal import LinuxSystem
internal import SystemPackage

/// `process.oomScoreAdj`
struct OutOfMemoryScore {
    let value: Int
    /// Whether it is an error where it cannot be set; it confines nothing.
    let isRequired: Bool

    var summary: String { "set the out-of-memory score to \(value)" }

    func set(_ open: () throws(Errno) -> OwnedDescriptor) throws(StepError) {
        try stepping(
            "write", "\"oom_score_adj\"",
            advice: {
                $0 == .permissionDenied || $0 == .notPermitted
                    ? "lowering it takes CAP_SYS_RESOURCE" : nil
            }
        ) { () throws(Errno) in
            do throws(Errno) {
                let file = try open()
                try file.borrowed.write(all: Array(String(value).utf8))
            } catch .permissionDenied where !isRequired {
            }
        }
    }
}
