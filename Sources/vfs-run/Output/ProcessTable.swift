internal import LinuxSystem
internal import SystemPackage

/// The lines of ps(1) for a set of processes.
enum ProcessTable {
    static func text(of pids: [Int32], _ options: [String]) throws(Failure) -> String {
        let outcome: Program.Outcome
        do throws(Errno) {
            outcome = try run(options)
        } catch {
            throw Failure("ps: \(error.words); install the package procps")
        }
        if outcome.ending != .exited(0) {
            let said = String(decoding: outcome.errorOutput, as: UTF8.self)
                .split(separator: "\n").first.map(String.init)
            throw Failure(
                "ps \(options.joined(separator: " ")): \(said ?? "failed without a message")")
        }
        let output = outcome.output
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        guard let header = lines.first,
            let column = header.split(separator: " ").firstIndex(of: "PID")
        else { throw Failure("couldn't find PID field in ps output") }
        let wanted = Set(pids)
        var text = header + "\n"
        for line in lines.dropFirst() {
            let fields = line.split(separator: " ")
            guard column < fields.count, let pid = Int32(fields[column]), wanted.contains(pid)
            else { continue }
            text += line + "\n"
        }
        return String(text)
    }

    /// Searches PATH.
    private static func run(_ options: [String]) throws(Errno) -> Program.Outcome {
        let folders = (CurrentProcess.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":")
        for folder in folders {
            let path = "\(folder)/ps"
            guard (try? FileStatus.of(path: path)) != nil else { continue }
            return try Program(
                path: path, arguments: ["ps"] + options, environment: CurrentProcess.environment
            ).run(input: [], outputLimit: 64 << 20)
        }
        throw .noSuchFileOrDirectory
    }
}
