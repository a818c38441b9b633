import Foundation
import Glibc
import Testing

/// Tests of isolate's command line.
protocol BoxRuns {}

extension BoxRuns {
    /// A run of isolate's command line.
    func isolate(
        _ caller: Caller, _ box: Sandbox, _ words: [String], input: Running.Input = .bytes([])
    ) throws -> Running {
        let variables = [
            "PATH=/usr/bin:/bin", "VFS_RUN_BOXES=\(box.path("states"))/boxes", "LANG=C.UTF-8",
            "HOME=\(box.path("states"))",
        ]
        guard caller == .ordinary else {
            return try Running(
                Host.runtime, ["isolate"] + words, environment: variables, input: input)
        }
        let line = try OrdinaryUser().command(box, box.path("vfs-run"), ["isolate"] + words)
        return try Running(
            try #require(Host.find(line[0])), Array(line.dropFirst()), environment: variables,
            input: input)
    }

    /// The lines of the meta file with every number of a figure as N.
    func meta(_ box: Sandbox) -> [String] {
        let figures = ["time", "time-wall", "max-rss", "csw-voluntary", "csw-forced", "cg-mem"]
        return box.read("states/meta").split(separator: "\n").map { line in
            let key = String(line.prefix { $0 != ":" })
            return figures.contains(key) ? key + ":N" : String(line)
        }
    }

    static var figures: [String] {
        ["time:N", "time-wall:N", "max-rss:N", "csw-voluntary:N", "csw-forced:N"]
    }

    func make(
        _ caller: Caller, _ box: Sandbox, _ options: [String], files: [String: String] = [:]
    ) throws {
        try box.prepareWork(caller)
        if caller == .root { try box.makeDirectory("states") }
        let made = try isolate(caller, box, options + ["--init"]).finish()
        #expect(made.code == 0, "\(made)")
        let directory = made.output.trimmingCharacters(in: .newlines)
        #expect(directory.hasPrefix(box.path("states/boxes/")), "\(made)")
        for (name, text) in files {
            try box.write(directory + "/box/" + name, text, mode: 0o755)
            chown(directory + "/box/" + name, caller.id, caller.id)
        }
    }

    func remove(_ caller: Caller, _ box: Sandbox, _ options: [String]) throws {
        let removed = try isolate(caller, box, options + ["--cleanup"]).finish()
        #expect(removed.code == 0 && removed.output.isEmpty, "\(removed)")
        let left = try FileManager.default.contentsOfDirectory(atPath: box.path("states/boxes"))
        #expect(left == ["locks"])
    }
}
