private import CResources
internal import LinuxSystem
internal import OCISpec

/// The program: finds the command, runs it, and prints its errors.
@main
enum VFSRun {
    /// As 0.1.0: that of the tag, where `make dist` built the program.
    static var version: String { unsafe String(cString: cresources_version()) }
    /// As 2026-11-29: the date of the commit, where `make dist` built the program.
    static var date: String { unsafe String(cString: cresources_date()) }

    private static func printHelp(of command: Command) throws(Failure) {
        if command.isUnknown { throw Failure("No help topic for '\(command.name)'") }
        try Output.write(command.name.isEmpty ? HelpText.overview : HelpText.of(command))
    }

    /// Engines read the first two lines of runc's.
    static var versionText: String {
        let spec = "spec: \(Spec.versions.newest)\n"
        if HelpText.isRunc {
            return "runc version \(version)\ncommit: vfs-run-\(version)\n" + spec
        }
        return "vfs-run version \(version)\n" + spec
    }

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
                try printHelp(of: command)
            } else if parsed.has(.version) {
                try Output.write(versionText)
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
