internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import Report
internal import Supervision
internal import SystemPackage

/// Tells how a run came out: the report of `--report`, and a sentence at a terminal.
///
/// The place of the report is opened before anything is done, and the report is written whatever
/// fails.
final class RunReporter {
    private let stream: CallerStream?
    private let place: String
    private let log: Log
    /// Whether the verdict is told to a person.
    private let tells: Bool
    /// Whether the figures of the kernel are read.
    let measures: Bool
    private var isTold = false
    /// What the run has changed, where it was looked at.
    var changes: Report.Changes?

    /// How long a reader of the report that takes nothing is waited for.
    private static let patience: UInt64 = 30

    init(_ arguments: ParsedArguments) throws(Failure) {
        log = arguments.globals.log
        tells = RunReporter.tells(arguments)
        measures = RunReporter.measures(arguments)
        guard arguments.takes(.report), let place = arguments.value(.report) else {
            (stream, self.place) = (nil, "")
            return
        }
        self.place = place
        do throws(Failure) {
            stream = try RunReporter.open(place)
        } catch {
            throw error.within("--report")
        }
    }

    /// Whether a report is written.
    var reports: Bool { stream != nil }

    /// Whether a run of this command line has its figures read.
    static func measures(_ arguments: ParsedArguments) -> Bool {
        arguments.takes(.report) && arguments.value(.report) != nil || tells(arguments)
    }

    private static func tells(_ arguments: ParsedArguments) -> Bool {
        let isQuiet = arguments.takes(.quiet) && arguments.has(.quiet)
        return !isQuiet && FileDescriptor.standardError.isTerminal
    }

    /// Runs `body`, and tells of a failure that is not told yet.
    func reporting(_ body: () throws(Failure) -> CInt) throws(Failure) -> CInt {
        do throws(Failure) {
            return try body()
        } catch {
            if !isTold { try tell(.failure(error)) }
            throw error
        }
    }

    func tell(_ result: Result<Outcome, Failure>) throws(Failure) {
        isTold = true
        let report = Report(result, changes: changes)
        if tells, case .success(let outcome) = result,
            let sentence = report.verdict.sentence(outcome)
        {
            log.tell(sentence)
        }
        guard let stream else { return }
        let text = report.json.compactText + "\n"
        try attempt(
            "write", "the report to \(place.inQuotes)",
            try stream.tell(
                Array(text.utf8), until: Clock.deadline(seconds: RunReporter.patience)))
    }

    private static func open(_ place: String) throws(Failure) -> CallerStream {
        if place == "-" { return try descriptor(1, place) }
        if place.hasPrefix("fd:") {
            guard let number = CInt(place.dropFirst(3)), number >= 0 else {
                throw Failure("\"\(place)\" is not of the form fd:N")
            }
            return try descriptor(number, place)
        }
        if place.isEmpty { throw Failure("the name is empty; is a variable unset?") }
        // No link is followed: the run may be in a directory whose content nobody trusts.
        return CallerStream(
            opened: try attempt(
                "open", on: place, advice: HostPath.adviceOfOutput,
                try HostPath.openOutput(place, followsLinks: false, leavingLine: true)))
    }

    /// A copy, which no program inherits.
    private static func descriptor(
        _ number: CInt, _ place: String
    ) throws(Failure) -> CallerStream {
        let stream = FileDescriptor(rawValue: number)
        let copy = try attempt(
            "dup", place.inQuotes,
            advice: { $0 == .badFileDescriptor ? "open descriptor \(number) for writing" : nil },
            try OwnedDescriptor.duplicate(stream))
        return CallerStream(owned: copy)
    }
}
