internal import LinuxSystem
internal import SystemPackage

/// A line of `vfs-run batch`
struct AwaitJob: ContainerStep {
    static let manual = StepManual(
        "wait for a job",
        what: """
            Tells the runtime process that the container is made, and waits until there is a job for \
            it. Then its files are written, each in place of one that is there; they belong to the \
            program's user.
            """,
        why: """
            Only in a batch, whose slots make the next container while there is no job for it. All \
            before is the same for every job of the plan. After the mounts, in which its files may \
            lie, and before the working directory and the home directory, which may depend on them.
            """,
        calls: "write, recvmsg, lseek, read, openat2, openat, unlinkat, fchownat, fchmod")

    let user: Configuration.User

    let summary = "wait for a job and write its files"
    var needs: Provisions { [.channel, .root] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let channel = try context.channel.given(.channel)
        try attempt(
            "write", "to the runtime process",
            try channel.channel.borrowed.write(all: InitMessage.ready.encoded))
        let answer = try attempt(
            "recvmsg", "from the runtime process",
            try channel.channel.borrowed.receiveBytes(Channel.capacity))
        // Without an answer there will be no job.
        if answer == nil { CurrentProcess.exit(InitProcess.failureCode) }
        guard let file = context.handover.job else { throw Failure("there is no file of the job") }
        guard
            let job = try attempt("read", "of the job", try PlannedJob.read(from: file.borrowed))
        else { throw Failure("the job is damaged") }
        context.job = job
        for made in job.files {
            let step = WriteFile(
                file: Configuration.MadeFile(
                    path: made.path, content: .ofJob(made.length), mode: made.mode,
                    origin: .argument("files")), user: user)
            do throws(Failure) {
                try step.apply(context)
            } catch {
                throw error.within(step.summary)
            }
        }
    }
}
