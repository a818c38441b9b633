public import JSON
public import LinuxSystem
internal import SystemPackage

/// What holds on this machine: every trial, in a sandbox of each tool.
public struct Selftest: Sendable {
    public struct Column: Sendable {
        public let tool: Tool
        /// By the keys of the trials; empty where the tool has not run.
        public let results: [String: TrialResult]
        /// Why it has not run.
        public let problem: String?
    }

    public let columns: [Column]

    /// Whether all that should hold does, in a sandbox of this program.
    public var holds: Bool {
        columns.allSatisfy { column in
            column.tool != .own
                || column.problem == nil
                    && !column.results.values.contains {
                        if case .fails = $0 { true } else { false }
                    }
        }
    }

    /// How long a sandbox may take.
    private static let patience: UInt64 = 120_000_000_000

    /// - Parameters:
    ///   - others: Tools to be tried beside this program.
    ///   - seccomp: The profile of tools that take one.
    ///   - place: The directory for temporary files.
    public static func run(
        with others: [Tool], seccomp: JSONOutput, in place: String
    ) throws(Failure) -> Selftest {
        try attempt("signalfd", try Interruption.listen())
        let own = try Place(in: place)
        do throws(Failure) {
            try own.fill()
            let name = "vfs-run-selftest-\(CurrentProcess.pid)"
            var port = 0
            let socket = try attempt("bind", try EscapeAttempt.listen(abstractly: name))
            let local = try? EscapeAttempt.listenLocally(&port)
            var facts = [
                HostFact.file: own.file, .process: "\(CurrentProcess.pid)", .socket: name,
            ]
            if local != nil { facts[.port] = "\(port)" }
            var columns: [Column] = []
            for tool in [.own] + others {
                columns.append(try column(tool, own, facts, seccomp))
            }
            _ = consume socket
            try own.remove()
            return Selftest(columns: columns)
        } catch {
            try? own.remove()
            throw error
        }
    }

    private static func column(
        _ tool: Tool, _ place: Place, _ facts: [HostFact: String], _ seccomp: JSONOutput
    ) throws(Failure) -> Column {
        func missing(_ problem: String) -> Column {
            Column(tool: tool, results: [:], problem: problem)
        }
        guard let path = tool.path else { return missing("it is not installed") }
        let command =
            ["/probe", "selftest", "--inside"]
            + HostFact.allCases.compactMap { fact in
                facts[fact].map { "\(fact.rawValue)=\($0)" }
            }
        let config = tool.config(
            place, command, seccomp: seccomp,
            takesLandlock: ((try? KernelProbe.landlockVersion()) ?? 0) > 1)
        if let config { try place.write("config.json", config.prettyText) }
        let program = Program(
            path: path, arguments: tool.arguments(place, command),
            environment: CurrentProcess.environment)
        let outcome: Program.Outcome
        do throws(Errno) {
            outcome = try program.run(input: [], outputLimit: 1 << 20, within: patience)
        } catch .interrupted {
            var failure = Failure("the test was ended by a signal", .interrupted)
            failure.signal = Interruption.take() ?? 0
            throw failure
        } catch {
            return missing("\(tool.rawValue) cannot be run: \(error.words)")
        }
        if let results = Inside.results(outcome.output) {
            return Column(tool: tool, results: results, problem: nil)
        }
        let said =
            String(decoding: outcome.errorOutput, as: UTF8.self)
            .split(separator: "\n").last.map { String($0).printable } ?? "it has said nothing"
        return missing("\(tool.rawValue) has not run the test: \(said)")
    }
}
