public import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `mounts`: mounts of a container that runs.
///
/// The container's tree is hostile. Sources are opened on the host. A process of its own, which is in
/// none of the container's pid, attaches them: it joins the user and the mount namespace, keeps the right
/// to mount and to make files alone, and opens every destination below the container's root by openat2.
extension StoredContainer {
    /// Attaches the mounts, all or none.
    public func addMounts(_ mounts: [RuntimeMount]) throws(Failure) {
        let joined = try joinedMounts()
        let isRestricted = joined.namespaces.contains(.user) || Credentials.effectiveUser != 0
        // Without root the host's mounts are cloned where the user may: in a copy of its tree.
        let isOwn = joined.namespaces.contains(.user) && Credentials.effectiveUser != 0
        let sources = isOwn ? [] : try RuntimeMount.open(mounts, isRestricted)
        let (attached, failure) = try aside {
            (tell: (UInt64) throws(Failure) -> Void) throws(Failure) in
            var opened = sources
            try joined.joinUser()
            if isOwn {
                try attempt("unshare", "CLONE_NEWNS", try CurrentProcess.leaveNamespaces(.mount))
                opened = try RuntimeMount.open(mounts, isRestricted)
            }
            let root = try joined.joinMounts()
            for (mount, source) in zip(mounts, opened) {
                let made = try mount.attach(source, root)
                try tell(try attempt("statx", "of the mount", try made.borrowed.mountID()))
            }
        }
        if let failure {
            // Also where the process has ended without a word.
            try detach(mounts.prefix(attached.count).reversed(), joined, known: attached)
            throw failure
        }
        try lock()
        defer { unlock() }
        try record(try recorded() + attached)
    }

    /// Takes away what `addMounts` has put on the destinations, in the reverse order.
    public func removeMounts(_ mounts: [RuntimeMount]) throws(Failure) {
        let joined = try joinedMounts()
        try detach(mounts.reversed(), joined, known: try recorded())
    }

    private func detach(
        _ mounts: [RuntimeMount], _ joined: Joined, known: [UInt64]
    ) throws(Failure) {
        if mounts.isEmpty { return }
        let (detached, failure) = try aside {
            (tell: (UInt64) throws(Failure) -> Void) throws(Failure) in
            let proc = try StoredContainer.openProc()
            try joined.joinUser()
            let root = try joined.joinMounts()
            for mount in mounts {
                try tell(try mount.detach(root, proc.directory.borrowed, known: known))
            }
        }
        try lock()
        defer { unlock() }
        try record(try recorded().filter { !detached.contains($0) })
        if let failure { throw failure }
    }

    private static let mountsName = "mounts"

    /// The numbers of the mounts that were added.
    private func recorded() throws(Failure) -> [UInt64] {
        do throws(Errno) {
            let file = try directory.borrowed.openOwn(StoredContainer.mountsName)
            let text = String(decoding: try file.borrowed.readAll(), as: UTF8.self)
            return text.split(separator: "\n").compactMap { UInt64($0) }
        } catch .noSuchFileOrDirectory {
            return []
        } catch {
            throw Failure("read", "the mounts of \(id.text)", error)
        }
    }

    private func record(_ numbers: [UInt64]) throws(Failure) {
        let text = numbers.map { "\($0)\n" }.joined()
        try attempt(
            "write", "the mounts of \(id.text)",
            try directory.borrowed.replaceFile(
                StoredContainer.mountsName, with: Array(text.utf8), mode: 0o600))
    }

    /// The namespaces that the mounts belong to.
    private struct Joined {
        let process: HeldDescriptor
        let namespaces: NamespaceSet

        /// It gets the rights of the namespace's root, and loses those of the host.
        func joinUser() throws(Failure) {
            guard namespaces.contains(.user) else { return }
            try attempt("setns", "CLONE_NEWUSER", try process.borrowed.joinNamespace(.user))
            // Ids that are not mapped make no files. Where root is not, it makes none.
            func change() throws(Errno) {
                do throws(Errno) {
                    try Credentials.setGroup(0)
                    try Credentials.setUser(0)
                } catch .invalidArgument {
                }
            }
            try attempt("setresuid", "0", try change())
        }

        func joinMounts() throws(Failure) -> HeldRoot {
            try attempt("setns", "CLONE_NEWNS", try process.borrowed.joinNamespace(.mount))
            // In a namespace of its own a process may always change its sets.
            var sets = CapabilitySets()
            sets.permitted = [.systemAdministration, .fileAccess]
            sets.effective = sets.permitted
            _ = try attempt("capset", try sets.apply())
            try attempt("prctl", "PR_SET_DUMPABLE", try CurrentProcess.setDumpable(false))
            return try attempt(
                "open", on: "/",
                try HeldRoot(RootDirectory.own()))
        }
    }

    private func joinedMounts() throws(Failure) -> Joined {
        let state = try running()
        let namespaces = NamespaceSet(rawValue: state.namespaces).intersection([.user, .mount])
        guard namespaces.contains(.mount) else {
            throw Failure("the container \"\(id.text)\" has no mount namespace of its own")
        }
        guard let process = state.programProcess,
            let held = try attempt("pidfd_open", "\(process.pid)", try process.held())
        else { throw Failure("container not running: its init process is gone") }
        return Joined(process: held, namespaces: namespaces)
    }

    /// The host's, by which a mount is named that is known by its descriptor.
    private static func openProc() throws(Failure) -> HeldRoot {
        let path = "/proc"
        let opened = try attempt("open", on: path, try HeldRoot(RootDirectory.ownProc()))
        let magic = try attempt(
            "fstatfs", on: path, try FileSystemMagic.of(opened.directory.borrowed))
        if magic != .procfs { throw Failure("/proc is no procfs") }
        return opened
    }

    /// The most seconds that a file system of the container's may take to answer.
    private static let mostSeconds: UInt32 = 8

    /// Runs `body` in a process of its own.
    ///
    /// - Parameter body: Tells of each mount that it has changed.
    /// - Returns: These mounts, and what has kept it from the others.
    private func aside(
        _ body: @escaping ((UInt64) throws(Failure) -> Void) throws(Failure) -> Void
    ) throws(Failure) -> (mounts: [UInt64], failure: Failure?) {
        let answers = try attempt(
            "clone3",
            try ChildProcess.runAside([]) { channel in
                CurrentProcess.end(after: StoredContainer.mostSeconds)
                var answer: [UInt8] = [0]
                let far = channel.borrowed
                do throws(Failure) {
                    try body { (number: UInt64) throws(Failure) in
                        try attempt(
                            "write", "to the runtime process",
                            try far.write(all: [2] + Array(String(number).utf8)))
                    }
                } catch {
                    answer = [1] + Array(error.message.shortened().utf8.prefix(8192))
                }
                // Where it cannot say so, nothing to be received says that it failed.
                try? channel.send(answer)
            })
        var mounts: [UInt64] = []
        while let answer = try attempt("recvmsg", try answers.receive()) {
            let text = String(decoding: answer.bytes.dropFirst(), as: UTF8.self)
            switch answer.bytes.first {
            case 0?: return (mounts, nil)
            case 1?: return (mounts, Failure(text))
            default: if let number = UInt64(text) { mounts.append(number) }
            }
        }
        return (
            mounts,
            Failure(
                "the process in the container's namespaces has ended without an answer; a file system"
                    + " of the container's may not answer")
        )
    }
}
