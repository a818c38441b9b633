import Glibc
import Testing

/// Containers that outlive the command that makes them: each sandbox has its own root of states.
extension Sandbox {
    var stateRoot: String { directory + "/containers" }

    /// A container's name that nobody else on this machine uses, for control groups too.
    func id(_ name: String = "box") -> String {
        "\(controlGroup)-\(name)"
    }

    /// Writes the bundle's config.json.
    func prepare(_ config: Value, arguments: [String] = []) throws {
        var config = config
        if !arguments.isEmpty { config.run(arguments) }
        try write("bundle/config.json", config.prettyText)
    }

    /// Starts `vfs-run --root … ARGUMENTS` in the bundle.
    func launch(
        _ arguments: [String], globals: [String] = [], input: Running.Input = .bytes([]),
        environment: [String] = [], leaked: CInt = 0
    ) throws -> Running {
        try Running(
            Host.runtime, ["--root", stateRoot] + globals + arguments,
            environment: environment, input: input, directory: bundle, leaked: leaked)
    }

    /// Runs `vfs-run --root … ARGUMENTS` to its end.
    @discardableResult
    func command(
        _ arguments: String..., globals: [String] = [], environment: [String] = []
    ) throws -> Outcome {
        try launch(arguments, globals: globals, environment: environment).finish()
    }

    /// The same, of words that somebody has put together.
    func runCommand(
        _ words: [String], input: String = "", environment: [String] = [], leaked: CInt = 0
    ) throws -> Outcome {
        try launch(
            words, input: .bytes(Array(input.utf8)), environment: environment, leaked: leaked
        ).finish()
    }

    /// With a container that is removed afterwards, whatever has become of it.
    func withContainer<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
        defer { _ = try? command("delete", "--force", name) }
        return try body()
    }

    /// The same, and it must go well.
    @discardableResult
    func succeed(
        _ arguments: String..., globals: [String] = [], environment: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try launch(arguments, globals: globals, environment: environment).finish()
        try #require(
            outcome.code == 0, "\(arguments): \(outcome)", sourceLocation: sourceLocation)
        return outcome
    }

    /// Creates a container; what it writes later is read from what this returns.
    @discardableResult
    func create(
        _ name: String? = nil, _ config: Value? = nil, arguments: [String] = ["/probe", "--wait"],
        options: [String] = [], environment: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Running {
        try prepare(config ?? self.config(), arguments: arguments)
        let run = try launch(
            ["create"] + options + [name ?? id()], input: .open, environment: environment)
        let outcome = try run.finish()
        try #require(outcome.code == 0, "create: \(outcome)", sourceLocation: sourceLocation)
        return run
    }

    /// Creates a container, starts it and waits until it says "ready".
    @discardableResult
    func createAndStart(
        _ config: Value? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Running {
        let run = try create(nil, config, sourceLocation: sourceLocation)
        try succeed("start", id(), sourceLocation: sourceLocation)
        #expect(try run.readLine() == "ready", sourceLocation: sourceLocation)
        return run
    }

    /// What `state` says.
    func state(
        _ name: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Value {
        let outcome = try succeed("state", name ?? id(), sourceLocation: sourceLocation)
        return try Value(parsing: outcome.output)
    }

    func status(
        _ name: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try state(name, sourceLocation: sourceLocation)["status"].string ?? "none"
    }

    /// The init process, as the host numbers it.
    func pid(
        _ name: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> pid_t {
        let number = try state(name, sourceLocation: sourceLocation)["pid"].integer ?? 0
        try #require(number > 0, sourceLocation: sourceLocation)
        return pid_t(number)
    }

    /// Kills the init process by hand and waits until it is gone.
    func killInit(_ name: String? = nil) throws {
        let pid = try pid(name)
        kill(pid, SIGKILL)
        #expect(HostProcess.waitForEnd(of: pid))
    }

    /// What is in a container's directory.
    func files(of name: String? = nil) -> [String] {
        TreeSnapshot.names(in: stateRoot + "/" + (name ?? id()))
    }

    /// Containers in the root of states.
    var containers: [String] { TreeSnapshot.names(in: stateRoot) }

    /// At the end of a test: none may be left but those the test names.
    func removeContainers(environment: [String] = []) {
        for name in containers {
            if !mayStay.contains(name) {
                record("the container \(name) is left: \(files(of: name))")
            }
            _ = try? command("delete", "--force", name, environment: environment)
        }
        for name in containers { record("\(name) cannot be removed") }
    }
}
