internal import LinuxSystem
internal import SystemPackage

/// Makes contexts of procfs (fsopen(2)) that show a pid namespace of other processes.
///
/// Such a context shows the pid namespace of the process that makes it, so that one has to be in there.
/// A process there with CAP_SYS_PTRACE can take it over: it has no right outside of a user namespace of
/// its own, no user of the host's, an empty tree, and no descriptor but the way back. What it sends back
/// is looked at.
struct JoinedProcMaker {
    let namespace: FileDescriptor

    /// As many messages as a socket holds.
    private static let most = 64
    /// Who owns nothing: the kernel's overflow id.
    private static let nobody: UInt32 = 65534

    func make(_ count: Int) throws(StepError) -> [HeldDescriptor] {
        if count > JoinedProcMaker.most {
            throw StepError("more than \(JoinedProcMaker.most) mounts of proc")
        }
        let becomesNobody = Credentials.effectiveUser == 0 && OwnUserNamespace.isInitial
        let answers = try stepping("clone3", "of the process that opens proc") {
            () throws(Errno) in
            try ChildProcess.runAside([]) { channel in
                do throws(SystemCallError) {
                    try open(count, becomesNobody, channel)
                } catch {
                    _ = try? channel.send(Array(error.description.utf8))
                }
            }
        }
        var made: [HeldDescriptor] = []
        while made.count < count {
            let answer = try stepping("recvmsg", "proc of the pid namespace") {
                () throws(Errno) in try answers.receive()
            }
            guard let answer else {
                throw StepError("the process that opens proc has ended without a word")
            }
            let words = String(decoding: answer.bytes, as: UTF8.self)
            guard let descriptor = answer.takeDescriptor() else {
                throw StepError(
                    "proc of the pid namespace: \(words)"
                        + (words.hasPrefix("unshare")
                            ? "; the kernel has to allow user namespaces, which this is done in"
                            : ""))
            }
            let held = HeldDescriptor(descriptor)
            try stepping("fsconfig", "proc of the pid namespace") { () throws(Errno) in
                try FileSystemContext.verify(held.borrowed, is: "proc")
            }
            made.append(held)
        }
        return made
    }

    /// In a process of its own.
    private func open(
        _ count: Int, _ becomesNobody: Bool, _ channel: borrowing Channel
    ) throws(SystemCallError) {
        try attempt("setns", "to the pid namespace") { () throws(Errno) in
            try namespace.joinNamespace(.pid)
        }
        try attempt("close_range") { () throws(Errno) in
            let nothing = try Pipe()
            for stream in 0..<3 as Range<CInt> {
                try nothing.reader?.become(standardStream: stream)
            }
            try CurrentProcess.closeDescriptors(except: [channel.borrowed])
        }
        if becomesNobody { try becomeNobody() }
        try attempt("unshare", "user, mount") { () throws(Errno) in
            try CurrentProcess.leaveNamespaces([.user, .mount])
            // Cleared by the change of credentials.
            try CurrentProcess.setParentDeathSignal(Signal.kill)
            try CurrentProcess.setDumpable(false)
        }
        try emptyTree()
        let answers = try attempt("clone3", "in the pid namespace") { () throws(Errno) in
            try ChildProcess.runAside([]) { far in
                for _ in 0..<count {
                    guard let made = try? FileSystemContext("proc"),
                        (try? far.send([0], passing: made.borrowed)) != nil
                    else { return }
                }
            }
        }
        for _ in 0..<count {
            try attempt("fsopen", "proc, in the pid namespace") { () throws(Errno) in
                guard let answer = try answers.receive(), let made = answer.takeDescriptor() else {
                    throw .brokenPipe
                }
                try channel.send([0], passing: made.borrowed)
            }
        }
    }

    /// With the one right that makes a user namespace wherever ordinary users may not.
    private func becomeNobody() throws(SystemCallError) {
        try attempt("setresuid", "\(JoinedProcMaker.nobody)") { () throws(Errno) in
            try CurrentProcess.startKeyring()
            try Credentials.setSupplementaryGroups([])
            try Credentials.setGroup(JoinedProcMaker.nobody)
            try Credentials.keepCapabilities(true)
            try Credentials.setUser(JoinedProcMaker.nobody)
            var sets = CapabilitySets()
            sets.permitted = .systemAdministration
            sets.effective = .systemAdministration
            _ = try sets.apply()
        }
    }

    private func emptyTree() throws(SystemCallError) {
        try attempt("mount", "an empty tree") { () throws(Errno) in
            let tmpfs = try FileSystemContext("tmpfs")
            try tmpfs.create()
            let tree = try tmpfs.mount(.readOnly)
            let top = try HostPath.open("/", [.path, .directory])
            try tree.attach(to: top.borrowed)
            try CurrentProcess.changeDirectory(tree.borrowed)
        }
        try MountTree.pivotToWorkingDirectory()
    }
}
