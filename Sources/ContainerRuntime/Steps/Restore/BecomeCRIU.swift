internal import LinuxSystem
internal import SystemPackage

/// criu, in the place of a program: it restores that.
struct BecomeCRIU: ContainerStep {
    static let manual = StepManual(
        "become criu",
        what: """
            criu replaces this process: in the container's control group, and in a mount namespace \
            that shows the host and the stage. The processes that it restores become children of \
            the runtime process.
            """,
        why: "When all is there that criu attaches.",
        calls: "openat, socketpair, sendmsg, fcntl, write, execve")

    let summary = "execute criu"
    var needs: Provisions { [.stage, .channel] }
    var gives: Provisions { [.conversation] }

    func apply(_ context: ContainerContext) throws(Failure) {
        guard let criu = context.handover.criu else { throw Failure("there is no criu") }
        // criu takes the numbers of directories for those of the process that has made the socket, and
        // makes mounts in them: they have to be of its own mount namespace.
        let images = try reopen(criu.images.path, criu.images.directory)
        let work = try reopen(criu.images.workPath, criu.images.work)
        let pair = try attempt("socketpair", try Channel.Pair())
        let far = pair.far.borrowed
        let held = try context.channel.given(.channel)
        let numbers = InitMessage.criu(
            images: images.borrowed.rawValue, work: work.borrowed.rawValue)
        try attempt(
            "sendmsg", "the way to criu",
            try held.channel.send(numbers.encoded, passing: pair.near.borrowed))
        try? context.reports?.write(all: InitMessage.executing(nil).encoded)
        let inherited = [images, work] + criu.namespaces.map(\.file)
        try attempt(
            "execve", on: criu.program.path,
            try criu.program.execute(far, inheriting: inherited.map(\.borrowed)))
    }

    private func reopen(
        _ path: String, _ verified: HeldDescriptor
    ) throws(Failure) -> HeldDescriptor {
        func open() throws(Errno) -> HeldDescriptor {
            let opened = HeldDescriptor(try HostPath.open(path, [.readOnly, .directory]))
            let (here, there) = (
                try FileStatus.of(opened.borrowed), try FileStatus.of(verified.borrowed)
            )
            if !here.isSame(as: there) { throw .staleNFSFileHandle }
            return opened
        }
        return try attempt("open", on: path, try open())
    }
}
