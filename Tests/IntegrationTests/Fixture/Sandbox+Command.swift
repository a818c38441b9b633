import Foundation
import Glibc
import Testing

/// Who runs `vfs-run sandbox`.
enum Caller: String, CaseIterable, CustomTestStringConvertible {
    case root, ordinary

    var id: uid_t { self == .root ? 0 : OrdinaryUser.id }
    var testDescription: String { rawValue }
}

extension Sandbox {
    /// The caller's working directory.
    var work: String { directory + "/work" }

    /// A working directory of the caller's, with a file, and the runtime where the caller can
    /// execute it.
    func prepareWork(_ caller: Caller) throws {
        try prepareOrdinary()
        try write("work/file", "before\n")
        try write("work/folder/inner", "inner\n")
        for name in ["work", "work/file", "work/folder", "work/folder/inner"] {
            lchown(path(name), caller.id, caller.id)
        }
    }

    /// Starts `vfs-run sandbox OPTIONS -- COMMAND` in the working directory.
    func startSandbox(
        _ caller: Caller, _ options: [String], _ command: [String], in folder: String? = nil,
        input: Running.Input = .bytes([]), environment: [String] = []
    ) throws -> Running {
        let words = ["sandbox"] + options + (command.isEmpty ? [] : ["--"] + command)
        let variables =
            ["PATH=/usr/bin:/bin", "HOME=\(path("states"))", "XDG_RUNTIME_DIR=\(path("states"))"]
            + environment
        guard caller == .ordinary else {
            return try Running(
                Host.runtime, words, environment: variables, input: input,
                directory: folder ?? work)
        }
        let line = try OrdinaryUser().command(self, path("vfs-run"), words)
        return try Running(
            try #require(Host.find(line[0])), Array(line.dropFirst()), environment: variables,
            input: input, directory: folder ?? work)
    }

    /// Runs a script to its end, and nothing of the host may change.
    func sandbox(
        _ caller: Caller, _ options: [String] = [], shell script: String, in folder: String? = nil,
        input: String = "", environment: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        try watchingFiles(sourceLocation: sourceLocation) {
            try startSandbox(
                caller, ["--quiet"] + options, ["sh", "-c", script], in: folder,
                input: .bytes(Array(input.utf8)), environment: environment
            ).finish()
        }
    }

    /// Where the caller's kept sandboxes lie.
    func sandboxes(_ caller: Caller) -> String {
        caller == .root
            ? "/var/lib/vfs-run/sandboxes"
            : path("states/.local/share/vfs-run/sandboxes")
    }
}
