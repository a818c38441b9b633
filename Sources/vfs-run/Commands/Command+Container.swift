internal import ContainerRuntime
internal import LinuxSystem

extension ParsedArguments {
    /// The container that the first operand names.
    func container() throws(Failure) -> StoredContainer {
        try globals.store.find(try ContainerID(operands[0]))
    }

    /// The containers of the first operand: one by its id, or with `--regex` every one whose id
    /// matches the expression.
    func containers() throws(Failure) -> [StoredContainer] {
        guard has(.regex) else { return [try container()] }
        guard let expression = RegularExpression(operands[0]) else {
            throw Failure(
                "\"\(operands[0])\" is not an extended regular expression (regex(7))")
        }
        var found: [StoredContainer] = []
        for name in try globals.store.identifiers() where expression.matches(name) {
            found.append(try globals.store.find(try ContainerID(name)))
        }
        return found
    }

    /// Whether `--format` asks for JSON in place of a table.
    func wantsJSON() throws(Failure) -> Bool {
        let format = value(.format) ?? "table"
        if format == "table" || format == "json" { return format == "json" }
        throw Failure("invalid format option \"\(format)\"; use table or json")
    }
}
