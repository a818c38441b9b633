internal import JSON
public import LinuxSystem
internal import SystemPackage

/// The container that writes to an upper after the runtime process, and its lock, have ended: a
/// detached container. It is written down beside the upper, for the next run.
extension KeptUpper {
    static let userName = "process.json"

    /// Writes it down, atomically.
    ///
    /// - Parameter process: The init process of the container, which ends with it, and its mounts.
    public func write(user process: ProcessIdentity) throws(Failure) {
        let place = "\(path)/\(KeptUpper.userName)"
        let boot = try attempt("read", on: place, try ProcessIdentity.currentBoot)
        let document = JSONOutput.object([("process", process.recorded), ("boot", .string(boot))])
        try attempt(
            "write", on: place,
            try directory.borrowed.replaceFile(
                KeptUpper.userName, with: Array(document.prettyText.utf8), mode: 0o600))
    }

    /// The process that was written down, as long as it lives.
    ///
    /// Of another pid namespace than this process's it may not be found.
    var user: ProcessIdentity? {
        get throws(Errno) {
            let found = try unlessMissing(try directory.borrowed.openOwn(KeptUpper.userName))
            guard let file = found else { return nil }
            let bytes = try file.borrowed.readAll(limit: 4096)
            let boot = try ProcessIdentity.currentBoot
            guard let root = try? JSONDocument(bytes).root, root["boot"]?.string == boot,
                let process = root["process"].flatMap(ProcessIdentity.init(recorded:)),
                try process.isAlive
            else { return nil }
            return process
        }
    }
}
