internal import LinuxSystem

extension ProcessIdentity {
    /// Nil where `/proc` does not say.
    static func hasExecuted(_ pid: Int32) -> Bool? { (try? status(pid))?.hasExecuted }
}

extension ChildProcess {
    /// Nil where `/proc` does not say.
    var hasExecuted: Bool? { ProcessIdentity.hasExecuted(pid) }

    /// Whether the kernel drops `signal`, since the process leaves it at its default action.
    ///
    /// While a process waits in sigwait(3), as tini and dumb-init do, the set it waits for does
    /// not count as blocked in its status, and yet the kernel delivers it. The two are not read at
    /// one moment, and another signal may wake it in between (a terminal's new size, as a rule):
    /// only what holds many times over is believed.
    borrowing func drops(_ signal: CInt) -> Bool {
        for _ in 0..<32 {
            if !leavesAtDefault(signal) || isWaitingForSignals { return false }
        }
        return true
    }

    /// Whether the main thread is in rt_sigtimedwait(2).
    private var isWaitingForSignals: Bool {
        #if arch(x86_64)
            let number = "128"
        #else
            let number = "137"
        #endif
        guard let bytes = try? HostPath.read("/proc/\(pid)/syscall") else { return false }
        return String(decoding: bytes.prefix { $0 != 0x20 }, as: UTF8.self) == number
    }

    private borrowing func leavesAtDefault(_ signal: CInt) -> Bool {
        guard let bytes = try? HostPath.read("/proc/\(pid)/status") else { return false }
        let mask = UInt64(1) << UInt64(signal - 1)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            for field in ["SigBlk:", "SigIgn:", "SigCgt:"] where line.hasPrefix(field) {
                let digits = line.dropFirst(field.count).drop { $0 == "\t" || $0 == " " }
                if let set = UInt64(digits, radix: 16), set & mask != 0 { return false }
            }
        }
        return true
    }
}
