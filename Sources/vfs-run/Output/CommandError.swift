internal import ContainerRuntime

/// The failure of a command: lines for standard error, a problem each.
struct CommandError: Error {
    var lines: [String]
    /// nil for the failure code of the command.
    var exitCode: CInt?

    init(_ lines: [String], exitCode: CInt? = nil) {
        self.lines = lines
        self.exitCode = exitCode
    }

    init(_ line: String, exitCode: CInt? = nil) {
        self.init([line], exitCode: exitCode)
    }

    /// - Parameter exitCode: The exit code, unless a signal has ended the process.
    init(_ error: RuntimeError, exitCode: CInt? = nil) {
        self.init(error.lines, exitCode: error.endedBy.map { 128 + $0 } ?? exitCode)
    }
}
