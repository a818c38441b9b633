internal import LinuxSystem
internal import OCISpec

/// The program: finds the command, runs it, and prints its errors.
@main
enum VFSRun {
    static let version = "0.1.0"

    static func main() {
        var globals = GlobalOptions(root: "")
        var failureCode: CInt = 1
        do {
            // Signals that the caller has blocked would never be received.
            try? Interruption.unblock()
            var rest = CommandLineParser.arguments
            if CommandLineParser.programName == CommandName.isolate.rawValue {
                globals.root = GlobalOptions.defaultRoot
                rest = [CommandName.isolate.rawValue] + rest
            } else {
                (globals, rest) = try GlobalOptions.take(from: rest)
            }
            try globals.log.open()
            let (command, left) = Command.choose(rest)
            failureCode = command.failureCode
            ResourceLimit.raiseOwn()
            let parsed = try ParsedArguments(left, of: command, globals: globals)
            if parsed.has(.help) {
                try Output.write(HelpText.of(command))
            } else if parsed.has(.version) {
                try Output.write("vfs-run version \(version)\nspec: \(Spec.versions.newest)\n")
            } else {
                try parsed.checkOperands()
                CurrentProcess.exit(try command.run(parsed))
            }
            CurrentProcess.exit(0)
        } catch {
            globals.log.error(error.lines)
            CurrentProcess.exit(error.exitCode(failureCode))
        }
    }
}
