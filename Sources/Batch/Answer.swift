internal import JSON

/// What a line is answered with.
struct Answer {
    var id: String?
    var line: Int
    var report: JSONOutput = .null
    var output: JSONOutput = .null
    var errors: JSONOutput = .null
    var files: JSONOutput = .null
    var error: String?
    /// Of a message of a session: its name, and what else is told.
    var session: String?
    var more: [(key: String, value: JSONOutput)] = []
    /// Files that a session was asked for, as they came.
    var sent: [UInt8] = []

    init(id: String?, line: Int) { (self.id, self.line) = (id, line) }

    /// A line that no run came of.
    init(id: String?, line: Int, error: String) {
        self.init(id: id, line: line)
        self.error = error
    }

    /// With its newline.
    var bytes: [UInt8] {
        var members: [(key: String, value: JSONOutput)] = [
            ("id", id.map(JSONOutput.string) ?? .null), ("line", .integer(Int64(line))),
        ]
        if let session {
            members.append(("session", .string(session)))
            members += more
        } else {
            members += [
                ("report", report), ("stdout", output), ("stderr", errors), ("files", files),
            ]
        }
        members.append(("error", error.map(JSONOutput.string) ?? .null))
        return Array((JSONOutput.object(members).compactText + "\n").utf8)
    }
}
