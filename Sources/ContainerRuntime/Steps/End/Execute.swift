internal import LinuxSystem
internal import SystemPackage

/// `process.args`
struct Execute: ContainerStep {
    static let manual = StepManual(
        "execute the program",
        what: "The program replaces the init process.",
        why: """
            Last. On success the kernel closes the channel to the runtime process, which tells it \
            of the start. A death on the way closes the channel too; whether anything was \
            executed the kernel tells in /proc (docs/commands.md).
            """,
        calls: "getrusage, write, execve")

    let arguments: [String]
    let environment: [String]
    /// Whether what the start took is asked for.
    var measures = true

    var summary: String {
        "execute \(arguments.joined(separator: " ").shortened(to: Execute.longestSummary))"
    }

    /// Bytes: the command is before the cause in a message.
    private static let longestSummary = 1024

    func shell(_ commands: inout ShellCommands) {
        commands.note("Each capability above is gone when setpriv(1) executes the last shell.")
        var command: [ShellWord] = ["exec env -i --"]
        for variable in environment { command.append(.value(variable)) }
        let hasHome = environment.contains { $0.hasPrefix("HOME=") && $0 != "HOME=" }
        if !hasHome { command.append("\"HOME=${home:-/}\"") }
        command.append(
            "$session \"$setpriv\" \"$@\" -- \"$sh\" -c \"$last; cd -- \\\"\\$1\\\"; shift; unset PWD OLDPWD; exec \\\"\\$@\\\"\""
        )
        command.append("sh \"$entered\"")
        for argument in arguments { command.append(.value(argument)) }
        commands.run(command)
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        if let sent = context.job?.sent { return try SendFiles(paths: sent).apply(context) }
        let arguments = context.job?.arguments ?? arguments
        let environment = Environment.merged(environment, with: context.job?.environment ?? [])
        let search = ProgramSearch(arguments: arguments, environment: environment)
        let candidates = search.candidates
        let argv = CStringArray(arguments)
        let envp = CStringArray(context.environment(environment))
        // `start` asks for no record.
        let record = context.gate == nil ? record(context) : nil
        // Where the filter forbids even this, the end of the channel has to do.
        try? context.reports?.write(all: InitMessage.executing(record).encoded)
        var failure: (path: String, errno: Errno)?
        for candidate in candidates {
            do {
                try CurrentProcess.execute(candidate, arguments: argv, environment: envp)
            } catch .noSuchFileOrDirectory, .notDirectory {
                // A program whose interpreter is missing says the same: it is looked at below.
                if failure == nil, exists(candidate) {
                    failure = (candidate, .noSuchFileOrDirectory)
                }
            } catch {
                // One that may not be executed does not end the search, as in a shell.
                if failure == nil || failure?.errno == .permissionDenied {
                    failure = (candidate, error)
                }
                if error != .permissionDenied { break }
            }
        }
        guard let failure else { throw search.missing }
        throw search.explain(failure.path, failure.errno)
    }

    private func record(_ context: ContainerContext) -> StartRecord? {
        if !measures { return StartRecord(.zero, nil) }
        return StartRecord(
            context.usageBeforeFilter ?? ProcessUsage.ofThisProcess, context.usageOfInit)
    }

    private func exists(_ path: String) -> Bool { (try? FileStatus.of(path: path)) != nil }
}
