import Foundation
import Glibc
import Testing

/// The criu that this kernel can have: that of the system, or one that the tests get themselves.
enum Criu {
    /// Its directory; nil where there is none, and the reason.
    private static let found: (directory: String?, reason: String) = {
        let run = try? Running(
            Host.repository + "/Tests/checkpoint/find-criu", [Host.repository + "/build/criu"],
            environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
        guard let outcome = try? run?.finish(seconds: 300) else { return (nil, "no answer") }
        let lines = outcome.output.split(separator: "\n")
        return outcome.code == 0
            ? (lines.last.map(String.init), "") : (nil, outcome.error)
    }()

    /// The environment of commands that need it. Where it cannot be had, the test is skipped; with
    /// CI in the environment that is a failure.
    static func environment() throws -> [String] {
        guard let directory = found.directory else {
            if ProcessInfo.processInfo.environment["CI"] != nil {
                throw Failure("no criu: \(found.reason)")
            }
            try skip("no criu works here: \(found.reason)")
        }
        return ["PATH=\(directory):/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"]
    }
}

extension Sandbox {
    /// Where a test's checkpoint is.
    var images: String { directory + "/images" }

    /// `checkpoint`, which must go well.
    func checkpoint(
        _ options: [String] = [], name: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try runCommand(
            ["checkpoint", "--image-path", images] + options + [name ?? id()],
            environment: try Criu.environment())
        try #require(
            outcome.code == 0, "checkpoint: \(outcome)", sourceLocation: sourceLocation)
    }

    /// Starts `restore` of the bundle.
    func startRestore(_ options: [String] = ["--detach"], name: String? = nil) throws -> Running {
        try launch(
            ["restore", "--image-path", images, "--bundle", bundle] + options + [name ?? id()],
            input: .open, environment: try Criu.environment())
    }

    /// `restore --detach`, which must go well.
    @discardableResult
    func restore(
        _ options: [String] = [], name: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Running {
        let run = try startRestore(["--detach"] + options, name: name)
        let outcome = try run.finish(seconds: 60)
        try #require(outcome.code == 0, "restore: \(outcome)", sourceLocation: sourceLocation)
        return run
    }
}
