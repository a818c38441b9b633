internal import ContainerRuntime
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// The program: finds the command, runs it, and is the one place that prints an error.
@main
enum VFSRun {
    static let version = "0.1.0"

    static func main() {
        var globals = GlobalOptions(root: "")
        var failureCode: CInt = 1
        do {
            // What the caller has blocked, perhaps unawares, would never be heard.
            try? Interruption.unblock()
            let rest: [String]
            (globals, rest) = try GlobalOptions.take(from: CommandLineParser.arguments)
            try globals.log.open()
            let (command, left) = Command.choose(rest)
            failureCode = command.failureCode
            ResourceLimit.raiseOwn()
            let parsed = try ParsedArguments(left, of: command, globals: globals)
            if parsed.has("help") {
                try Output.write(HelpText.of(command))
            } else if parsed.has("version") {
                try Output.write("vfs-run version \(version)\nspec: \(Spec.versions.newest)\n")
            } else {
                CurrentProcess.exit(try command.run(parsed))
            }
            CurrentProcess.exit(0)
        } catch {
            globals.log.error(error.lines)
            CurrentProcess.exit(error.exitCode(failureCode))
        }
    }
}

/// The former name.
typealias CommandError = Failure

extension Failure {
    /// The exit code of an error of the runtime in the one-shot form, as Docker and podman have it.
    static let ofRuntime: CInt = 125

    /// What the program exits with.
    ///
    /// - Parameter code: The command's code of a failure. The one-shot form tells, as a shell does,
    ///   why the program was not executed; the OCI commands have runc's one code.
    func exitCode(_ code: CInt) -> CInt {
        switch kind {
        case .interrupted: 128 + signal
        case .programNotFound where code == Failure.ofRuntime: 127
        case .programNotExecutable where code == Failure.ofRuntime: 126
        case .stopped: 130
        default: code
        }
    }
}

/// Standard output.
enum Output {
    /// Lines for people, or JSON: printable either way, which JSON that `JSONOutput` has written is
    /// already.
    static func write(_ text: String) throws(CommandError) {
        try write(Array(text.printableLines.utf8))
    }

    /// What is printable as it is.
    static func write(_ bytes: [UInt8]) throws(CommandError) {
        do {
            try FileDescriptor.standardOutput.write(all: bytes)
        } catch {
            throw CommandError("standard output: \(error.words)")
        }
    }
}
