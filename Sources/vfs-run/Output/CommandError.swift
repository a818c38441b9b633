internal import ContainerRuntime

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
