internal import ContainerRuntime
internal import LinuxSystem

extension Command {
    /// `vfs-run run ID`
    static let run = Command(
        name: "run", summary: "create a container and start it", operands: "ID",
        details: [
            "Does the work of create and start, waits for the end of the container, forwards"
                + " signals to it, removes it, and exits with the exit code of the program, or with"
                + " 128 + N if signal N ended it. With --detach it returns once the program is"
                + " executed.",
            aboutDescriptors,
            "With NOTIFY_SOCKET in the environment (sd_notify(3)), messages of the program are"
                + " forwarded; with --detach up to READY=1, for which run waits.",
        ],
        options: Option.creation + [.detach, .keep, .noSubreaper] + Option.limits
            + Option.seccompNotices,
        isOfContainers: true,
        run: { arguments throws(Failure) in
            let reporter = try reporter(arguments)
            if arguments.has(.detach), !arguments.seccompNotices.isEmpty {
                throw Failure(
                    "--seccomp-explain and --seccomp-record need the runtime process, which does not"
                        + " stay with --detach; remove one")
            }
            return try reporter.reporting { () throws(Failure) in
                try launch(
                    arguments, until: arguments.has(.detach) ? .started : .ended, reporter)
            }
        })

    /// For a command that may leave the program running.
    static func reporter(_ arguments: ParsedArguments) throws(Failure) -> RunReporter {
        if arguments.has(.detach), arguments.value(.report) != nil {
            throw Failure(
                "--report tells how the run ended, which nobody waits for with --detach; remove one"
            )
        }
        return try RunReporter(arguments)
    }
}
