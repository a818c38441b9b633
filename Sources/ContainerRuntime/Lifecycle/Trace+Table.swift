internal import LinuxSystem

extension Trace {
    /// For people at a terminal: when each step began, how long it took, and a bar of that length.
    public var table: String {
        let spans = self.spans
        guard let origin = spans.map(\.start).min() else { return "no step was taken\n" }
        let longest = spans.filter { $0.step != nil }.map { $0.end - $0.start }.max() ?? 1
        var text = "step  process        start    duration\n"
        for span in spans {
            let number = span.step.map { String($0 + 1) } ?? ""
            let share = span.step == nil ? 0 : Int((span.end - span.start) * 10 / max(longest, 1))
            let bar = String(repeating: "█", count: share)
            text += Trace.left(number, 4) + "  " + span.side.rawValue
            text += span.side == .runtime ? "  " : ""
            text += Trace.left(Trace.words(span.start - origin), 12)
            text += Trace.left(Trace.words(span.end - span.start), 12) + "  "
            text += bar + String(repeating: " ", count: 10 - share)
            text += "  " + span.name.printable(upTo: 120) + "\n"
        }
        let end = spans.map(\.end).max() ?? origin
        return text + "in all \(Trace.words(end - origin))\n"
    }

    private static func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }

    /// `12.3 µs`, `4.56 ms`.
    static func words(_ nanoseconds: UInt64) -> String {
        switch nanoseconds {
        case ..<1_000_000: "\(nanoseconds / 1000).\(nanoseconds / 100 % 10) µs"
        case ..<10_000_000_000: "\(nanoseconds / 1_000_000).\(nanoseconds / 100_000 % 10) ms"
        default: "\(nanoseconds / 1_000_000_000).\(nanoseconds / 100_000_000 % 10) s"
        }
    }
}
