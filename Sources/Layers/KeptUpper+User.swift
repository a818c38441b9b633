internal import JSON
public import LinuxSystem
internal import SystemPackage

/// Who writes to an upper when the runtime process, and its lock, are gone: a container that was
/// left to itself. It is written down beside the upper, where whoever wants it next looks.
extension KeptUpper {
    static let userName = "process.json"

    /// Writes it down, in one go.
    ///
    /// - Parameter process: The container's first. With it the container ends, and its mounts.
    public func write(user process: ProcessIdentity) throws(LayerError) {
        do throws(Errno) {
            let document = JSONOutput.object([
                ("process", process.recorded), ("boot", .string(try ProcessIdentity.currentBoot)),
            ])
            try directory.borrowed.replaceFile(
                KeptUpper.userName, with: Array(document.prettyText.utf8), mode: 0o600)
        } catch {
            throw LayerError("write \"\(path)/\(KeptUpper.userName)\": \(error.words)")
        }
    }

    /// The process that was written down, as long as it lives.
    ///
    /// Of another pid namespace than this process's it may not be found.
    var user: ProcessIdentity? {
        get throws(Errno) {
            let bytes: [UInt8]
            do throws(Errno) {
                let file = try directory.borrowed.openOwn(KeptUpper.userName)
                bytes = try file.borrowed.readAll(limit: 4096)
            } catch .noSuchFileOrDirectory {
                return nil
            }
            let boot = try ProcessIdentity.currentBoot
            guard let root = try? JSONDocument(bytes).root, root["boot"]?.string == boot,
                let process = root["process"].flatMap(ProcessIdentity.init(recorded:)),
                try process.isAlive
            else { return nil }
            return process
        }
    }
}
