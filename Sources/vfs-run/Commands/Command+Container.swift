internal import ContainerRuntime
internal import LinuxSystem

extension ParsedArguments {
    /// The container that the first operand names.
    func container() throws(RuntimeError) -> StoredContainer {
        try globals.store.find(try ContainerID(operands[0]))
    }

    /// The containers of the first operand: one by its id, or with `--regex` every one whose id
    /// matches the expression.
    func containers() throws(RuntimeError) -> [StoredContainer] {
        guard has(.regex) else { return [try container()] }
        guard let expression = RegularExpression(operands[0]) else {
            throw RuntimeError(
                "\"\(operands[0])\" is not an extended regular expression (regex(7))")
        }
        var found: [StoredContainer] = []
        for name in try globals.store.identifiers() where expression.matches(name) {
            found.append(try globals.store.find(try ContainerID(name)))
        }
        return found
    }

    /// Whether `--format` asks for JSON in place of a table.
    func wantsJSON() throws(CommandError) -> Bool {
        let format = value(.format) ?? "table"
        if format == "table" || format == "json" { return format == "json" }
        throw CommandError("invalid format option \"\(format)\"; use table or json")
    }
}

extension Command {
    /// The function of a command on containers: checks the number of operands, and turns errors
    /// of the runtime into those of a command.
    static func on(
        _ operands: ClosedRange<Int>,
        _ body: @escaping @Sendable (ParsedArguments) throws(RuntimeError) -> CInt
    ) -> @Sendable (ParsedArguments) throws(CommandError) -> CInt {
        { arguments throws(CommandError) in
            _ = try arguments.requireOperands(operands)
            do throws(RuntimeError) {
                return try body(arguments)
            } catch {
                throw error
            }
        }
    }
}
