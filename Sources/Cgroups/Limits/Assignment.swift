/// A value to be written into one file of a cgroup.
struct Assignment: Sendable, Hashable {
    /// Files of the same meaning and what is written there; the first that exists counts.
    var choices: [Choice]
    /// The field of `linux.resources`: `memory.limit`.
    var field: String
    var isOptional = false

    struct Choice: Sendable, Hashable {
        var file: String
        var value: String
    }

    init(_ choices: [Choice], _ field: String, isOptional: Bool = false) {
        self.choices = choices
        self.field = field
        self.isOptional = isOptional
    }

    /// `memory`; empty for the files that every cgroup of version 2 has.
    var controller: String {
        let prefix = choices.first?.file.prefix { $0 != "." } ?? ""
        return prefix == "cgroup" ? "" : String(prefix)
    }
}

/// Reads a file of the cgroup as it is now, without the newline; nil where there is none.
typealias CurrentValue = (_ file: String) -> String?
