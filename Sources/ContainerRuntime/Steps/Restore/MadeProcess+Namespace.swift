internal import LinuxSystem
internal import SystemPackage

extension MadeProcess {
    /// Does something in a namespace of the restored process: in a process beside the runtime process,
    /// which joins nothing itself.
    ///
    /// - Throws: The error of `work`, or of the way there; `ESRCH` where that process has ended without
    ///   an answer.
    func inNamespace(
        _ kinds: NamespaceSet, _ work: @escaping () throws(Errno) -> Void
    ) throws(Errno) {
        let pidfd = pidfd
        let answers = try ChildProcess.runAside([]) { channel in
            do throws(Errno) {
                try pidfd.joinNamespace(kinds)
                try work()
                try channel.send([0])
            } catch {
                _ = try? channel.send([UInt8(clamping: error.rawValue)])
            }
        }
        guard let answer = try answers.receive() else { throw .noSuchProcess }
        let number = answer.bytes[0]
        if number != 0 { throw Errno(rawValue: CInt(number)) }
    }
}
