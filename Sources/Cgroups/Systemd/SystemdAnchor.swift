internal import LinuxSystem
internal import SystemPackage

/// A process that does nothing. systemd makes no scope without one in it, and takes away one that
/// has none left: it is there before the container's first process, and until that is in.
final class SystemdAnchor: Sendable {
    private let process: ChildProcess

    var pid: Int32 { process.pid }

    init() throws(Failure) {
        func spawn() throws(Errno) -> ChildProcess {
            try ChildProcess.spawn([]) {
                // Without it nothing would end this process when the runtime process is killed; and
                // it holds nothing open of the runtime's.
                try? CurrentProcess.setParentDeathSignal(Signal.kill)
                try? CurrentProcess.closeDescriptors(except: [])
                while true { Clock.sleep(microseconds: 3_600_000_000) }
            }
        }
        process = try attempt("clone3", "for the scope", try spawn())
    }

    /// Once.
    func end() {
        // It is there until it has been waited for.
        try? process.send(signal: Signal.kill)
        _ = try? process.wait()
    }
}
