import Glibc

/// Containers with a name, whose states are kept in the sandbox.
extension Sandbox {
    var states: String { directory + "/states" }

    /// Starts one of the commands that work on containers.
    func command(
        _ words: [String], input: Running.Input = .bytes([]), environment: [String] = [],
        leaked: CInt = 0
    ) throws -> Running {
        try Running(
            Host.runtime, ["--root", states] + words, environment: environment, input: input,
            leaked: leaked)
    }

    /// Runs one of them to its end.
    func runCommand(
        _ words: [String], input: String = "", environment: [String] = [], leaked: CInt = 0
    ) throws -> Outcome {
        try command(
            words, input: .bytes(Array(input.utf8)), environment: environment, leaked: leaked
        ).finish()
    }

    /// A bundle with its own root file system, for `create` and `run`.
    func prepareBundle(_ config: Value) throws {
        try write("bundle/config.json", config.prettyText)
    }

    /// `body` with a container that is removed afterwards, whatever has become of it.
    func withContainer<Result>(_ id: String, _ body: () throws -> Result) throws -> Result {
        defer { _ = try? runCommand(["delete", "--force", id]) }
        return try body()
    }
}
