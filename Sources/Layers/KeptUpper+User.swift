internal import JSON
public import LinuxSystem
internal import SystemPackage

/// Who writes to an upper when the runtime process, and its lock, are gone: a container that was
/// left to itself. It is written down beside the upper, where whoever wants it next looks.
extension KeptUpper {
    private static let userName = "process.json"

    /// Writes it down, in one go.
    ///
    /// - Parameter process: The container's first. With it the container ends, and its mounts.
    public func write(user process: ProcessIdentity) throws(LayerError) {
        let document = JSONOutput.object([
            ("process", process.recorded), ("boot", .string(ProcessIdentity.currentBoot)),
        ])
        do throws(Errno) {
            let directory = try HostPath.open(path, [.readOnly, .directory])
            try directory.borrowed.replaceFile(
                KeptUpper.userName, with: Array(document.prettyText.utf8), mode: 0o644)
        } catch {
            throw LayerError("write \"\(path)/\(KeptUpper.userName)\": \(error.words)")
        }
    }

    /// The process that was written down, as long as it lives.
    ///
    /// Of another pid namespace than this process's it may not be found.
    var user: ProcessIdentity? {
        guard let directory = try? HostPath.open(path, [.readOnly, .directory]),
            let file = try? directory.borrowed.open(KeptUpper.userName, .readOnly),
            let bytes = try? file.borrowed.readAll(limit: 4096),
            let root = try? JSONDocument(bytes).root,
            root["boot"]?.string == ProcessIdentity.currentBoot,
            let process = root["process"].flatMap(ProcessIdentity.init(recorded:)), process.isAlive
        else { return nil }
        return process
    }
}
