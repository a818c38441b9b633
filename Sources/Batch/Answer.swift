internal import JSON
internal import LinuxSystem
internal import Report
internal import Supervision

/// What a line is answered with.
struct Answer {
    var id: String?
    var line: Int
    var report: JSONOutput = .null
    var output: JSONOutput = .null
    var errors: JSONOutput = .null
    var files: JSONOutput = .null
    var error: String?

    init(id: String?, line: Int) { (self.id, self.line) = (id, line) }

    /// A line that no run came of.
    init(id: String?, line: Int, error: String) {
        self.init(id: id, line: line)
        self.error = error
    }

    /// With its newline.
    var bytes: [UInt8] {
        let json = JSONOutput.object([
            ("id", id.map(JSONOutput.string) ?? .null), ("line", .integer(Int64(line))),
            ("report", report), ("stdout", output), ("stderr", errors), ("files", files),
            ("error", error.map(JSONOutput.string) ?? .null),
        ])
        return Array((json.compactText + "\n").utf8)
    }
}
