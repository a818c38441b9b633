/// A line of mountinfo (proc_pid_mountinfo(5)).
struct MountEntry: Hashable {
    var id: Int
    var parent: Int
    /// The directory of the file system that is mounted.
    var root: String
    var point: String
    var options: Set<String>
    /// `shared:N`, `master:N`, `unbindable`; empty for a private mount.
    var propagation: [String]
    var type: String
    var source: String
    var superOptions: Set<String>

    static func parse(_ text: String) -> [MountEntry] {
        text.split(separator: "\n").compactMap { MountEntry(String($0)) }
    }

    init?(_ line: String) {
        let fields = line.split(separator: " ").map(String.init)
        guard fields.count > 8, let dash = fields.firstIndex(of: "-"), fields.count > dash + 3,
            let id = Int(fields[0]), let parent = Int(fields[1])
        else { return nil }
        self.id = id
        self.parent = parent
        root = MountEntry.decoded(fields[3])
        point = MountEntry.decoded(fields[4])
        options = Set(fields[5].split(separator: ",").map(String.init))
        propagation = Array(fields[6..<dash])
        type = fields[dash + 1]
        source = MountEntry.decoded(fields[dash + 2])
        superOptions = Set(fields[dash + 3].split(separator: ",").map(String.init))
    }

    /// Blanks and backslashes are written in octal.
    private static func decoded(_ text: String) -> String {
        var text = text
        for (code, character) in [
            ("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"),
        ] {
            text = text.split(separator: code, omittingEmptySubsequences: false)
                .joined(separator: character)
        }
        return text
    }
}
