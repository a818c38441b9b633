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

    func make(_ count: Int) throws(Failure) -> [HeldDescriptor] {
        if count > JoinedProcMaker.most {
            throw Failure("more than \(JoinedProcMaker.most) mounts of proc")
        }
        let becomesNobody = Credentials.effectiveUser == 0 && OwnUserNamespace.isInitial
        let answers = try attempt(
            "clone3", "of the process that opens proc",
            try ChildProcess.runAside([]) { channel in
                do throws(Failure) {
                    try open(count, becomesNobody, channel)
                } catch {
                    // Without a word from it the other process fails too.
                    _ = try? channel.send(Array(error.message.utf8))
                }
            })
        var made: [HeldDescriptor] = []
        while made.count < count {
            let answer = try attempt(
                "recvmsg", "proc of the pid namespace", try answers.receive())
            guard let answer else {
                throw Failure("the process that opens proc has ended without a word")
            }
            let words = String(decoding: answer.bytes, as: UTF8.self)
            guard let descriptor = answer.takeDescriptor() else {
                throw Failure("proc of the pid namespace: \(words)")
            }
            let held = HeldDescriptor(descriptor)
            try attempt(
                "fsconfig", "proc of the pid namespace",
                try FileSystemContext.verify(held.borrowed, is: "proc"))
            made.append(held)
        }
        return made
    }

    /// In a process of its own.
    private func open(
        _ count: Int, _ becomesNobody: Bool, _ channel: borrowing Channel
    ) throws(Failure) {
        try attempt("setns", "to the pid namespace", try namespace.joinNamespace(.pid))
        let nothing = try attempt("pipe2", try Pipe())
        for stream in 0..<3 as Range<CInt> {
            try attempt("dup2", try nothing.reader?.become(standardStream: stream))
        }
        let way = channel.borrowed
        try attempt("close_range", try CurrentProcess.closeDescriptors(except: [way]))
        if becomesNobody { try attempt("setresuid", "nobody", try becomeNobody()) }
        try attempt(
            "unshare", "user, mount", advice: NamespaceGate.advice,
            try CurrentProcess.leaveNamespaces([.user, .mount]))
        // The change of credentials has cleared both.
        try attempt("prctl", try CurrentProcess.setParentDeathSignal(Signal.kill))
        try attempt("prctl", try CurrentProcess.setDumpable(false))
        try attempt("mount", "an empty tree", try mountNothing())
        try MountTree.pivotToWorkingDirectory()
        let answers = try attempt(
            "clone3", "in the pid namespace",
            try ChildProcess.runAside([]) { far in
                for _ in 0..<count {
                    guard let made = try? FileSystemContext("proc"),
                        (try? far.send([0], passing: made.borrowed)) != nil
                    else { return }
                }
            })
        for _ in 0..<count {
            let answer = try attempt("recvmsg", try answers.receive())
            guard let made = answer?.takeDescriptor() else {
                throw Failure("fsopen in the pid namespace has failed")
            }
            try attempt("sendmsg", try channel.send([0], passing: made.borrowed))
        }
    }

    /// With the one right by which it makes a user namespace where ordinary users may not.
    private func becomeNobody() throws(Errno) {
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

    private func mountNothing() throws(Errno) {
        let tmpfs = try FileSystemContext("tmpfs")
        try tmpfs.create()
        let tree = try tmpfs.mount(.readOnly)
        let top = try HostPath.open("/", [.path, .directory])
        try tree.attach(to: top.borrowed)
        try CurrentProcess.changeDirectory(tree.borrowed)
    }
}
