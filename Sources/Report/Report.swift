internal import Cgroups
internal import ContainerRuntime
public import JSON
public import LinuxSystem
public import Supervision

/// What a run is told by: one JSON object. docs/report.schema.json describes each key.
public struct Report {
    /// What the run has changed, where it was looked at.
    public struct Changes: Sendable, Hashable {
        public var added: UInt64
        public var modified: UInt64
        public var deleted: UInt64

        public var all: UInt64 { added + modified + deleted }

        public init(added: UInt64, modified: UInt64, deleted: UInt64) {
            self.added = added
            self.modified = modified
            self.deleted = deleted
        }
    }

    public let verdict: Verdict
    private let result: Result<Outcome, Failure>
    private let changes: Changes?

    public init(_ result: Result<Outcome, Failure>, changes: Changes? = nil) {
        verdict = Verdict(result)
        self.result = result
        self.changes = changes
    }

    private var outcome: Outcome? { try? result.get() }
    /// The outcome of a program that was executed.
    private var program: Outcome? { outcome?.timings.started == nil ? nil : outcome }

    /// What is not known is null, never 0. Times are nanoseconds, sizes bytes. Keys are only ever
    /// added.
    public var json: JSONOutput {
        let outcome = outcome
        let account = outcome?.usage.account
        let usage = program?.usage
        var exitCode: JSONOutput = .null
        var signal: JSONOutput = .null
        switch program?.program {
        case .exited(let code)?: exitCode = .integer(Int64(code))
        case .signaled(let number)?: signal = .integer(Int64(number))
        case nil: break
        }
        let times = outcome?.timings
        var members: [(key: String, value: JSONOutput)] = [
            ("schema", .integer(1)), ("status", .string(verdict.status.rawValue)),
            ("reason", verdict.reason.map(JSONOutput.string) ?? .null), ("exit_code", exitCode),
            ("signal", signal),
            ("core", usage?.processes.map { .bool($0.hasCore) } ?? .null),
            ("wall_ns", .number(times?.running)), ("cpu_ns", .number(usage?.processorTime)),
            ("user_ns", .number(usage?.userTime)), ("system_ns", .number(usage?.systemTime)),
            ("throttled_ns", .number(account?.throttledTime)),
            ("setup_ns", .number(times?.setup)),
        ]
        members += [
            ("memory", memory), ("pids", processes), ("output", output), ("disk", disk),
            (
                "io",
                .object([
                    ("read", .number(account?.bytesRead)),
                    ("write", .number(account?.bytesWritten)),
                ])
            ),
            (
                "pressure",
                .object([
                    ("cpu_ns", .number(account?.processorPressure)),
                    ("memory_ns", .number(account?.memoryPressure)),
                    ("io_ns", .number(account?.ioPressure)),
                ])
            ),
            ("limits_hit", .array(verdict.limitsHit.map(JSONOutput.string))),
            ("enforced", enforced),
            ("changes", changed), ("error", error),
        ]
        return .object(members)
    }

    private var memory: JSONOutput {
        let account = outcome?.usage.account
        return .object([
            ("peak", .number(account?.usage.peakMemory)),
            ("limit", .number(outcome?.limits.value(.memory))),
            (
                "oom_kills",
                account?.usage.peakMemory == nil
                    ? .null : .number(outcome.map { UInt64($0.outOfMemoryKills) })
            ),
            ("anon", .number(account?.anonymous)), ("file", .number(account?.cache)),
            ("shmem", .number(account?.shared)),
            ("max_rss", .number(program?.usage.largest)),
        ])
    }

    private var processes: JSONOutput {
        let account = outcome?.usage.account
        return .object([
            ("peak", .number(account?.usage.peakProcesses)),
            ("limit", .number(outcome?.limits.value(.processes))),
            ("refused", .number(account?.refusedProcesses)),
        ])
    }

    private var output: JSONOutput {
        .object([
            ("stdout", .number(outcome?.usage.output)), ("stderr", .number(outcome?.usage.error)),
            ("limit", .number(outcome?.limits.value(.output))),
        ])
    }

    private var disk: JSONOutput {
        .object([
            ("bytes", .number(outcome?.usage.diskBytes)),
            ("files", .number(outcome?.usage.diskFiles)),
            ("limit", .number(outcome?.limits.value(.disk))),
        ])
    }

    /// A key for each limit there is; null where it does not hold.
    private var enforced: JSONOutput {
        guard let limits = outcome?.limits else { return .object([]) }
        return .object(
            RunLimits.Name.allCases.compactMap { name in
                guard limits.value(name) != nil else { return nil }
                return (name.word, limits.holders[name].map { .string($0.rawValue) } ?? .null)
            })
    }

    private var changed: JSONOutput {
        guard let changes else { return .null }
        return .object([
            ("added", .unsigned(changes.added)), ("modified", .unsigned(changes.modified)),
            ("deleted", .unsigned(changes.deleted)),
        ])
    }

    private var error: JSONOutput {
        guard case .failure(let failure) = result else { return .null }
        return .string(failure.lines.joined(separator: "; "))
    }
}

extension JSONOutput {
    fileprivate static func number(_ value: UInt64?) -> JSONOutput {
        value.map(JSONOutput.unsigned) ?? .null
    }
}
