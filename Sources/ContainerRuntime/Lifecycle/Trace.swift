public import JSON
public import LinuxSystem
internal import SystemPackage

/// The times of the steps of one start, the init process's included.
public final class Trace {
    let times: SharedTimes
    private let plan: Plan
    /// How many seconds a reader of a FIFO has.
    private static let patience: UInt64 = 5

    public init(_ plan: Plan) throws(Failure) {
        self.plan = plan
        do {
            times = try SharedTimes(capacity: plan.allSteps.count)
        } catch {
            throw Failure("mmap: \(error.words)")
        }
    }

    /// In Chrome's trace format: complete events, microseconds, one row a process.
    public var json: JSONOutput {
        let steps = plan.allSteps
        let spans = steps.indices.compactMap { index in
            times.span(index).map { (index, $0.start, $0.end) }
        }
        let lines = plan.document.lines
        let origin = spans.map(\.1).min() ?? 0
        var events: [JSONOutput] = [Trace.name(.runtime), Trace.name(.container)]
        for (index, start, end) in spans {
            let planned = steps[index]
            events.append(
                .object([
                    ("name", .string(planned.step.summary)), ("cat", .string("step")),
                    ("ph", .string("X")), ("ts", .thousandths(Int64(start - origin))),
                    ("dur", .thousandths(Int64(end - start))),
                    ("pid", .integer(planned.side.row)), ("tid", .integer(1)),
                    (
                        "args",
                        .object([
                            ("step", .integer(Int64(index + 1))),
                            ("origin", .string(plan.place(of: planned.origin, lines))),
                        ])
                    ),
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

    private static func name(_ side: Side) -> JSONOutput {
        .object([
            ("name", .string("process_name")), ("ph", .string("M")), ("pid", .integer(side.row)),
            ("args", .object([("name", .string("\(side.rawValue) process"))])),
        ])
    }

    /// Writes the file: what is there is replaced.
    public func write(to path: String) throws(Failure) {
        do {
            let file = CallerStream(opened: try HostPath.openOutput(path))
            try file.tell(
                Array(json.prettyText.utf8), until: Clock.deadline(seconds: Trace.patience))
        } catch {
            throw Failure("the trace \(path.inQuotes) cannot be written: \(error.words)")
        }
    }
}

extension Side {
    /// The row in the trace.
    fileprivate var row: Int64 { self == .runtime ? 1 : 2 }
}
