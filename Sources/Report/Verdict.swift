internal import Cgroups
public import ContainerRuntime
public import LinuxSystem
public import Supervision

/// How a run is judged: a pure function of its outcome.
public struct Verdict: Sendable, Hashable {
    /// In the order of precedence: where several hold, the first is told.
    public enum Status: String, Sendable, Hashable, CaseIterable {
        /// An error of vfs-run.
        case internalError = "XX"
        /// The program could not be executed.
        case couldNotExecute = "CF"
        case timeLimit = "TO"
        case memoryLimit = "ML"
        case outputLimit = "OL"
        case diskLimit = "DL"
        /// The seccomp filter killed it.
        case violation = "SV"
        case signaled = "SG"
        /// It ended with a code other than 0.
        case failed = "RE"
        case ok = "OK"
    }

    public var status: Status
    /// The cause in a word; nil where there is none to tell.
    public var reason: String?
    /// The limits that were reached, by their words in reports.
    public var limitsHit: [String] = []

    /// The outcome of a run, or why there is none.
    public init(_ result: Result<Outcome, Failure>) {
        switch result {
        case .failure(let failure): self = Verdict(failure)
        case .success(let outcome): self = Verdict(outcome)
        }
    }

    private init(_ status: Status, _ reason: String?, hit: [String] = []) {
        self.status = status
        self.reason = reason
        limitsHit = hit
    }

    private init(_ failure: Failure) {
        switch failure.kind {
        case .programNotFound: self.init(.couldNotExecute, "not found")
        case .programNotExecutable: self.init(.couldNotExecute, "not executable")
        case .outOfMemory: self.init(.memoryLimit, "memory", hit: ["memory"])
        default: self.init(.internalError, "error")
        }
    }

    private init(_ outcome: Outcome) {
        let hit = outcome.limitsHit
        let (status, reason) = Verdict.judge(outcome, hit)
        self.init(status, reason, hit: RunLimits.Name.allCases.filter(hit.contains).map(\.word))
    }

    private static func judge(
        _ outcome: Outcome, _ hit: Set<RunLimits.Name>
    ) -> (Status, String?) {
        switch outcome.ending {
        case .timedOut: (.timeLimit, RunLimits.Name.wallTime.word)
        case .outOfMemory: (.memoryLimit, RunLimits.Name.memory.word)
        case .exceeded(let name): (Status(exceeding: name), name.word)
        case .stopped: (.internalError, "stopped")
        case .signaled(Signal.badSystemCall) where outcome.filterMayKill: (.violation, "seccomp")
        // The file system refused it more, and it gave up.
        case .signaled where hit.contains(.disk), .exited(1...) where hit.contains(.disk):
            (.diskLimit, RunLimits.Name.disk.word)
        case .signaled: (.signaled, "signal")
        case .exited(0), .left: (.ok, nil)
        case .exited: (.failed, "exit code")
        }
    }
}

extension Verdict.Status {
    fileprivate init(exceeding name: RunLimits.Name) {
        self =
            switch name {
            case .wallTime, .cpuTime: .timeLimit
            case .memory: .memoryLimit
            case .output: .outputLimit
            case .disk: .diskLimit
            // The kernel refuses more of them, and nothing is killed.
            case .processes: .failed
            }
    }
}

extension RunLimits.Name {
    /// The word in reports.
    public var word: String {
        switch self {
        case .wallTime: "wall"
        case .cpuTime: "cpu"
        case .memory: "memory"
        case .processes: "pids"
        case .output: "output"
        case .disk: "disk"
        }
    }
}

extension Outcome {
    /// The limits that were reached, whether or not that has ended the program.
    var limitsHit: Set<RunLimits.Name> {
        var hit: Set<RunLimits.Name> = []
        switch ending {
        case .exceeded(let name): hit.insert(name)
        case .timedOut: hit.insert(.wallTime)
        case .outOfMemory: hit.insert(.memory)
        case .left, .exited, .signaled, .stopped: break
        }
        if outOfMemoryKills > 0 { hit.insert(.memory) }
        if usage.account?.refusedProcesses ?? 0 > 0 { hit.insert(.processes) }
        if usage.isDiskFull { hit.insert(.disk) }
        return hit
    }
}
