internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// Everything that was tried, and what came of it.
public struct Examination: Sendable {
    /// One row.
    public struct Row: Sendable {
        public var key: String
        public var group: String
        public var title: String
        public var purpose: String
        public var finding: Finding
        /// Whether this user can run no container without it.
        public var isNeeded: Bool

        public var isObstacle: Bool { isNeeded && finding.verdict == .lacks }
    }

    /// A signal that ended it.
    public struct Interruption: Error, Sendable {
        public var signal: CInt
    }

    public var rows: [Row]
    public var user: UInt32
    public var isPrivileged: Bool
    public var directory: String
    let groups: [(key: String, title: String)]

    /// Whether `vfs-run config.json` can run here, for this user.
    public var canRun: Bool { !rows.contains(where: \.isObstacle) }

    /// Every probe, by what it is about.
    static let groups: [ProbeGroup] = [
        .processes, .userNamespaces, .mounts, .overlay, .directory, .controlGroups, .seccomp,
        .surroundings, .checkpoints,
    ]

    /// Longer than any probe takes that is not stuck.
    private static let timeLimit: UInt64 = 5_000_000_000

    /// Tries everything, each in a process of its own.
    ///
    /// - Parameter directory: Where a kept upper would lie; absolute.
    /// - Throws: The number of a signal that has ended it: what was made is removed by then.
    public static func run(directory: String) throws(Interruption) -> Examination {
        let subject = Subject(directory: directory)
        // Without them nothing is removed any the worse.
        let signals = try? SignalQueue.open(Signal.forwarded.filter { !Signal.isIgnored($0) })
        var rows: [Row] = []
        for group in groups {
            for probe in group.probes {
                if let signal = Signal.forwarded.first(where: Signal.isPending) {
                    throw Interruption(signal: signal)
                }
                rows.append(
                    Row(
                        key: "\(group.key).\(probe.key)", group: group.key, title: probe.title,
                        purpose: probe.purpose, finding: finding(of: probe, subject),
                        isNeeded: probe.isNeeded(by: subject)))
            }
        }
        _ = signals
        return Examination(
            rows: rows, user: subject.user, isPrivileged: subject.isPrivileged,
            directory: directory, groups: groups.map { ($0.key, $0.title) })
    }

    private static func finding(of probe: Probe, _ subject: Subject) -> Finding {
        defer { Scratch.remove(subject) }
        do throws(Errno) {
            switch try ForkedProcess.run(within: timeLimit, { probe.find(subject).encoded }) {
            case .finished(let bytes):
                return Finding(encoded: bytes)
                    ?? .lacks("the answer of the probe is incomplete", probe.remedy)
            case .tooLate: return .lacks("no answer within 5 seconds", probe.remedy)
            case .ended(.signaled(let signal)):
                return .lacks("the probe was ended by signal \(signal)", probe.remedy)
            case .ended(.exited): return .lacks("the probe ended without an answer", probe.remedy)
            }
        } catch {
            return .lacks("fork: \(error.words)", "raise ulimit -u")
        }
    }
}
