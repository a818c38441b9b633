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
    private let isQuiet: Bool
    private var isTold = false

    /// How long a reader of the report that takes nothing is waited for.
    private static let patience: UInt64 = 30

    init(_ arguments: ParsedArguments) throws(Failure) {
        log = arguments.globals.log
        isQuiet = arguments.takes(.quiet) && arguments.has(.quiet)
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

    /// Whether the figures of the kernel are read.
    var measures: Bool { stream != nil || tells }

    /// The same of a command line.
    static func measures(_ arguments: ParsedArguments) -> Bool {
        arguments.value(.report) != nil
            || !(arguments.takes(.quiet) && arguments.has(.quiet))
                && FileDescriptor.standardError.isTerminal
    }

    /// Whether the verdict is told to a person.
    private var tells: Bool { !isQuiet && FileDescriptor.standardError.isTerminal }

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
        let report = Report(result)
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
        let opened = try attempt(
            "open", on: place,
            try HostPath.open(
                place, [.writeOnly, .create, .truncate, .nonBlocking, .noControllingTerminal],
                mode: 0o644))
        return CallerStream(opened: opened)
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
