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
            CurrentProcess.exit(error.exitCode ?? failureCode)
        }
    }
}

/// What a command ends with when it fails: lines for standard error, each one problem.
struct CommandError: Error {
    var lines: [String]
    /// Nil for the command's own code of a failure.
    var exitCode: CInt?

    init(_ lines: [String], exitCode: CInt? = nil) {
        self.lines = lines
        self.exitCode = exitCode
    }

    init(_ line: String, exitCode: CInt? = nil) {
        self.init([line], exitCode: exitCode)
    }

    /// - Parameter exitCode: What it ends with where no signal has ended it.
    init(_ error: RuntimeError, exitCode: CInt? = nil) {
        self.init(error.lines, exitCode: error.endedBy.map { 128 + $0 } ?? exitCode)
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
