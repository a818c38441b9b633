internal import LinuxSystem
internal import SystemPackage

/// `process.oomScoreAdj`
struct OutOfMemoryScore {
    let value: Int
    /// Whether it is an error where it cannot be set; it confines nothing.
    let isRequired: Bool

    var summary: String { "set the out-of-memory score to \(value)" }

    func set(_ open: () throws(Errno) -> OwnedDescriptor) throws(Failure) {
        do throws(Errno) {
            let file = try open()
            try file.borrowed.write(all: Array(String(value).utf8))
        } catch .permissionDenied where !isRequired {
        } catch {
            let isForbidden = error == .permissionDenied || error == .notPermitted
            throw Failure(
                "write", "oom_score_adj".inQuotes, error,
                advice: isForbidden ? "lowering it takes CAP_SYS_RESOURCE" : nil)
        }
    }
}
