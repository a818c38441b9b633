internal import LinuxSystem
internal import SystemPackage

/// An attempt that is made inside of a sandbox, and the answer that is right there: a row of a table.
public struct Trial: Sendable {
    /// For programs; never changes.
    public let key: String
    /// What is tried, in words.
    public let title: String
    /// Of `EscapeAttempt`.
    let attempt: String
    let subject: Subject
    /// Whether it has to succeed: ordinary programs need it.
    let mustSucceed: Bool

    enum Subject: Sendable {
        case text(String)
        /// A fact of the host that only the process outside knows.
        case host(HostFact)
    }

    init(
        _ key: String, _ title: String, _ attempt: String, _ subject: Subject = .text(""),
        mustSucceed: Bool = false
    ) {
        self.key = key
        self.title = title
        self.attempt = attempt
        self.subject = subject
        self.mustSucceed = mustSucceed
    }
}

/// Facts of the host that attempts are made on.
enum HostFact: String, CaseIterable, Sendable {
    /// A file that only the host has.
    case file
    /// The process that runs the test.
    case process
    /// An abstract socket that it listens on.
    case socket
    /// A port of 127.0.0.1 that it listens on.
    case port
}

extension Trial.Subject: ExpressibleByStringLiteral {
    init(stringLiteral text: String) { self = .text(text) }
}

/// Trials that belong together.
public struct TrialGroup: Sendable {
    public let title: String
    public let trials: [Trial]
}

/// How a trial came out.
public enum TrialResult: Sendable, Hashable {
    case holds(String)
    case fails(String)
    /// It was not tried, for this reason.
    case untried(String)

    /// - Parameter answer: Of the attempt.
    init(_ trial: Trial, _ answer: EscapeAttempt.Answer) {
        switch answer {
        case .succeeded: self = trial.mustSucceed ? .holds("") : .fails("it succeeds")
        case .refused(let error):
            self = trial.mustSucceed ? .fails(error.words) : .holds(error.words)
        case .killed(let signal):
            let words = "killed by signal \(signal)"
            self = trial.mustSucceed ? .fails(words) : .holds(words)
        case .unfinished: self = .untried("it did not come to an end")
        }
    }

    public var said: String {
        switch self {
        case .holds(let words), .fails(let words), .untried(let words): words
        }
    }

    var word: String {
        switch self {
        case .holds: "holds"
        case .fails: "fails"
        case .untried: "untried"
        }
    }

    init?(_ word: String, _ said: String) {
        switch word {
        case "holds": self = .holds(said)
        case "fails": self = .fails(said)
        case "untried": self = .untried(said)
        default: return nil
        }
    }
}
