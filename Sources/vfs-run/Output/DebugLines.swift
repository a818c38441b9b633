internal import ContainerRuntime
internal import LinuxSystem
internal import Supervision

/// The lines of runc's `--debug` at the moments that both runtimes have: scripts look for them.
///
/// They come beside the steps of the plan. What runc does in another way has no line.
struct DebugLines {
    private let log: Log
    private let joins: Bool

    /// - Returns: Nil without `--debug`.
    init?(_ log: Log, joins: Bool) {
        guard log.isVerbose else { return nil }
        (self.log, self.joins) = (log, joins)
    }

    func tell(_ moment: Supervisor.Moment) {
        switch moment {
        case .makesProcess(let cpus):
            log.debug("nsexec[\(CurrentProcess.pid)]: => nsexec container setup")
            if let mask = cpus {
                log.debug("nsexec-0[\(CurrentProcess.pid)]: affinity: 0x\(DebugLines.hex(mask))")
            }
        case .madeProcess: log.debug("child process in init()")
        case .hasFilter(let flags): log.debug("seccomp filter flags: \(flags)")
        case .executes:
            log.debug(
                joins ? "setns_init: about to exec" : "init: closing the pipe to signal completion")
        }
    }

    /// The highest word that is not 0, and those below it.
    private static func hex(_ words: [UInt64]) -> String {
        var text = ""
        for word in words.reversed() {
            let digits = String(word, radix: 16)
            if text.isEmpty {
                if word != 0 { text = digits }
            } else {
                text += String(repeating: "0", count: 16 - digits.count) + digits
            }
        }
        return text.isEmpty ? "0" : text
    }
}
