internal import LinuxSystem

/// One value of `linux.resources`, and how each version of cgroups holds it.
struct Limit {
    /// The field: `memory.limit`.
    let field: String
    let version1: Holder
    let version2: Holder
    /// Whether nothing is lost where the kernel has none of the files.
    var isOptional = false

    enum Holder {
        /// Files of the same meaning; the first that exists takes its value.
        case files([Assignment.Choice])
        /// Another row of the table writes it.
        case elsewhere
        /// This version cannot hold it, and why not.
        case refused(String)

        static func file(_ name: String, _ value: some CustomStringConvertible) -> Holder {
            .files([Assignment.Choice(file: name, value: value.description)])
        }

        fileprivate var file: String? {
            if case .files(let choices) = self { choices.first?.file } else { nil }
        }
    }

    /// By its name in version 1, with which the names of the files begin.
    var controller: String {
        // What neither version holds in a file still belongs to the controller of its field.
        let prefix = (version1.file ?? version2.file ?? field).prefix { $0 != "." }
        return prefix == "io" ? "blkio" : String(prefix)
    }

    /// - Returns: Nil where another row writes the value.
    func assignment(isVersion2: Bool) throws(Failure) -> Assignment? {
        switch isVersion2 ? version2 : version1 {
        case .files(let choices): return Assignment(choices, field, isOptional: isOptional)
        case .elsewhere: return nil
        case .refused(let reason): throw Failure("\(field): \(reason)")
        }
    }
}
