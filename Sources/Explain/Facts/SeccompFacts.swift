internal import LinuxSystem
public import Seccomp
internal import SystemPackage

/// The seccomp filters of a process.
public struct SeccompFacts: Sendable {
    public enum Mode: Int, Sendable {
        case none, strict, filter
    }

    /// Nil where it is not known.
    public var mode: Mode?
    /// How many filters there are; nil where the kernel does not say.
    public var count: Int?
    public var filters: FilterStack?
    /// Where the filters are known from: `read from the process`, `config.json:120`.
    public var source: String?
    /// Why they are not known.
    public var reason: String?
    /// What each call gets, in the order of numbers.
    public var decisions: [FilterDecision] = []

    public init() {}

    init(_ status: ProcessStatus) {
        mode = status["Seccomp"].flatMap { Int($0) }.flatMap { Mode(rawValue: $0) }
        count = status["Seccomp_filters"].flatMap { Int($0) }
    }

    /// Takes filters that are known.
    public mutating func take(_ stack: FilterStack, _ source: String) {
        filters = stack
        self.source = source
        decisions = stack.decideAll()
    }

    /// Asks the process, which is stopped for a moment.
    mutating func read(from pid: Int32) {
        do throws(Errno) {
            guard let stack = FilterStack(try SeccompFilter.installed(in: pid)) else {
                reason = "the kernel's answer is no program"
                return
            }
            take(stack, "read from the process")
        } catch {
            let advice =
                switch error {
                case .permissionDenied, .notPermitted:
                    "; it takes CAP_SYS_ADMIN, and a process that nobody else traces"
                case .invalidArgument: "; this kernel has no PTRACE_SECCOMP_GET_FILTER"
                default: ""
                }
            reason = "ptrace: \(error.words)\(advice)"
        }
    }

    /// The names of calls that are refused whatever their arguments, by answer.
    var refused: [(answer: FilterAnswer, calls: [String])] {
        var found: [FilterAnswer: [String]] = [:]
        for decision in decisions where decision.isRefused {
            // A call whose refusal depends on arguments stands under the mildest.
            guard let answer = decision.answers.first else { continue }
            found[answer, default: []].append(decision.call.words)
        }
        return found.map { ($0.key, $0.value.sorted()) }.sorted { $0.1.count > $1.1.count }
    }

    /// Those that some arguments make pass.
    var conditional: [FilterDecision] { decisions.filter { !$0.isRefused && !$0.isAllowed } }

    var allowedCount: Int { decisions.filter(\.isAllowed).count }

    /// Whether a call may pass; nil where the filters are not known.
    func lets(_ name: String) -> Bool? {
        if mode == SeccompFacts.Mode.none { return true }
        return decisions.first { $0.call.name == name }.map { !$0.isRefused }
    }
}
