internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// The program that saves and restores processes.
    static let checkpoints = ProbeGroup(
        key: "checkpoint", title: "Checkpoint and restore",
        probes: [
            Probe("criu", "criu check", for: "checkpoint, restore", look: criu)
        ])

    private static func criu(_ subject: Subject) throws(Failure) -> Finding {
        if !subject.isPrivileged { return .untried("checkpoint and restore require root") }
        guard let path = Program.find("criu") else {
            return .fact(
                "criu is not in the PATH; checkpoint and restore are errors",
                facts: [("path", .null)])
        }
        let facts: [(key: String, value: JSONOutput)] = [("path", .string(path))]
        let program = Program(
            path: path, arguments: ["criu", "check"], environment: CurrentProcess.environment)
        let outcome = try attempt(
            "execve", on: path, try program.run(input: [], within: 4_000_000_000))
        if outcome.ending == .exited(0) { return .works(path, facts: facts) }
        guard outcome.ending != nil else { return .lacks("it has not ended", facts: facts) }
        // The first error is the cause: "criu/vdso.c: …", "CONFIG_… is not set".
        let lines = outcome.errorOutput.split(separator: 0x0a).map {
            String(decoding: $0, as: UTF8.self)
        }
        let line = lines.first { $0.has("Error") && !$0.has("RLIMIT_NOFILE") } ?? lines.last ?? ""
        return .lacks(
            line.printable(upTo: 200),
            "install a newer criu: its check names what this kernel lacks",
            facts: facts)
    }
}
