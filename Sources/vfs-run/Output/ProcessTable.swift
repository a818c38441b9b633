internal import LinuxSystem
internal import SystemPackage

/// The lines of ps(1) that are about some processes.
enum ProcessTable {
    static func text(of pids: [Int32], _ options: [String]) throws(CommandError) -> String {
        let outcome: Program.Outcome
        do throws(Errno) {
            outcome = try run(options)
        } catch {
            throw CommandError("ps: \(error.words); the package procps has it")
        }
        if outcome.ending != .exited(0) {
            let said = String(decoding: outcome.errorOutput, as: UTF8.self)
                .split(separator: "\n").first.map(String.init)
            throw CommandError("ps \(options.joined(separator: " ")): \(said ?? "it has failed")")
        }
        let output = outcome.output
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        guard let header = lines.first,
            let column = header.split(separator: " ").firstIndex(of: "PID")
        else { throw CommandError("couldn't find PID field in ps output") }
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

    /// It is looked for where programs are.
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
