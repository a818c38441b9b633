public import JSON
public import LinuxSystem
internal import SystemPackage

/// The times of the steps of one start, the init process's included.
public final class Trace {
    let times: SharedTimes
    /// With the looks that a page takes, which the spans leave out.
    let plan: Plan
    /// What was seen before each step; empty where the plan is not observed.
    let views = ProcessViews()
    /// What the run has written (`WrittenFiles`); null where nothing is known of it.
    var written = JSONOutput.null

    public init(_ plan: Plan) throws(Failure) {
        self.plan = plan
        do {
            times = try SharedTimes(capacity: plan.allSteps.count + Mark.allCases.count)
        } catch {
            throw Failure("mmap: \(error.words)")
        }
    }

    /// A span that is no step.
    enum Mark: Int, CaseIterable {
        /// The call that makes the init process.
        case clone
        /// The end of the program; its start is that of the step that executes it.
        case end
    }

    /// A step, or what happens between two.
    struct Span {
        /// In the plan; nil for what is no step.
        var step: Int?
        var side: Side
        var name: String
        var category: String
        var start: UInt64
        var end: UInt64
    }

    /// A step of the plan that people know, which has no looks.
    struct ShownStep {
        var planned: PlannedStep
        /// In `times`.
        var place: Int
    }

    var shownSteps: [ShownStep] {
        plan.allSteps.enumerated().compactMap { place, planned in
            planned.step is Observe ? nil : ShownStep(planned: planned, place: place)
        }
    }

    /// In the order of the plan. The time of the looks is left out.
    var spans: [Span] {
        let sections = StepManual.sections
        let left = LookTimes(plan, times)
        var spans: [Span] = []
        for (index, shown) in shownSteps.enumerated() {
            let planned = shown.planned
            guard let span = times.span(shown.place) else { continue }
            func add(
                _ step: Int?, _ side: Side, _ name: String, _ category: String,
                _ start: UInt64, _ end: UInt64
            ) {
                spans.append(
                    Span(
                        step: step, side: side, name: name, category: category,
                        start: left.shift(start), end: left.shift(end)))
            }
            add(
                index, planned.side, planned.step.summary,
                sections[type(of: planned.step).manual.name] ?? "step", span.start, span.end)
            if planned.spawning != nil, let call = time(of: .clone) {
                add(nil, .runtime, "clone3", "system call", call.start, call.end)
            }
            if planned.isProgram, let end = time(of: .end)?.end, end > span.end {
                add(nil, .container, "the program runs", "program", span.end, end)
            }
        }
        return spans
    }

    private func time(of mark: Mark) -> (start: UInt64, end: UInt64)? {
        times.span(plan.allSteps.count + mark.rawValue)
    }

    /// In Chrome's trace format: complete events, microseconds, one row a process.
    public var json: JSONOutput {
        let spans = self.spans
        let steps = shownSteps
        let lines = plan.document.lines
        let origin = spans.map(\.start).min() ?? 0
        var events: [JSONOutput] = []
        for side in [Side.runtime, .container] {
            events.append(Trace.name(side, "process_name"))
            events.append(Trace.name(side, "thread_name"))
        }
        for span in spans {
            var arguments: [(key: String, value: JSONOutput)] = []
            if let index = span.step {
                arguments = [
                    ("step", .integer(Int64(index + 1))),
                    ("origin", .string(plan.place(of: steps[index].planned.origin, lines))),
                ]
            }
            events.append(
                .object([
                    ("name", .string(span.name)), ("cat", .string(span.category)),
                    ("ph", .string("X")), ("ts", .thousandths(Int64(span.start - origin))),
                    ("dur", .thousandths(Int64(span.end - span.start))),
                    ("pid", .integer(span.side.row)), ("tid", .integer(1)),
                    ("args", .object(arguments)),
                ]))
        }
        // With which the times of other tools are compared.
        let clock: JSONOutput = .object([
            ("clock", .string("CLOCK_MONOTONIC")), ("start_ns", .unsigned(origin)),
        ])
        return .object([
            ("traceEvents", .array(events)), ("displayTimeUnit", .string("ns")),
            ("otherData", clock),
        ])
    }

    private static func name(_ side: Side, _ kind: String) -> JSONOutput {
        .object([
            ("name", .string(kind)), ("ph", .string("M")), ("pid", .integer(side.row)),
            ("tid", .integer(1)),
            ("args", .object([("name", .string("\(side.rawValue) process"))])),
        ])
    }

    /// The format is that of the name: a page for `.html`, otherwise JSON.
    fileprivate func text(for path: String) -> String {
        Trace.isPage(path) ? page : json.prettyText
    }

    public static func isPage(_ path: String) -> Bool { path.hasSuffix(".html") }
}

/// The file of a trace: what is there is replaced.
public struct TraceFile {
    private let path: String
    private let stream: CallerStream

    /// Seconds for its reader.
    private static let patience: UInt64 = 5

    public init(_ path: String) throws(Failure) {
        self.path = path
        do throws(Errno) {
            stream = CallerStream(opened: try HostPath.openOutput(path))
        } catch {
            throw TraceFile.failure(path, error.words)
        }
    }

    public func write(_ trace: Trace) throws(Failure) {
        do throws(Errno) {
            try stream.tell(
                Array(trace.text(for: path).utf8),
                until: Clock.deadline(seconds: TraceFile.patience))
        } catch {
            throw TraceFile.failure(path, error.words)
        }
    }

    private static func failure(_ path: String, _ words: String) -> Failure {
        Failure("the trace \(path.inQuotes) cannot be written: \(words)")
    }
}

extension SharedTimes {
    /// Notes a span that is no step of `plan`.
    func record(_ mark: Trace.Mark, of plan: Plan, start: UInt64, end: UInt64) {
        record(plan.allSteps.count + mark.rawValue, start: start, end: end)
    }
}

extension StepManual {
    /// The section of each kind of step, by the kind's name.
    static var sections: [String: String] {
        var sections: [String: String] = [:]
        for section in RuntimeSection.all {
            for kind in section.kinds { sections[kind.manual.name] = section.title }
        }
        return sections
    }
}

extension Side {
    /// The row in the trace.
    fileprivate var row: Int64 { self == .runtime ? 1 : 2 }
}
