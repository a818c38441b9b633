internal import ContainerRuntime
internal import LinuxSystem

extension ParsedArguments {
    /// The container that the first operand names.
    func container() throws(RuntimeError) -> StoredContainer {
        try globals.store.find(try ContainerID(operands[0]))
    }

    /// The containers that the first operand means: one by its name, or with `--regex` all whose
    /// names the expression finds something in.
    func containers() throws(RuntimeError) -> [StoredContainer] {
        guard has("regex") else { return [try container()] }
        guard let expression = RegularExpression(operands[0]) else {
            throw RuntimeError("\"\(operands[0])\" is not a regular expression")
        }
        var found: [StoredContainer] = []
        for name in try globals.store.identifiers() where expression.matches(name) {
            found.append(try globals.store.find(try ContainerID(name)))
        }
        return found
    }
}

extension Option {
    static let regex = Option(
        long: "regex", short: "r", value: nil,
        help: "ID is an extended regular expression: all containers whose names it matches")
}

extension Command {
    /// A command on one container: its operands are checked and its errors printed.
    static func on(
        _ operands: ClosedRange<Int>,
        _ body: @escaping @Sendable (ParsedArguments) throws(RuntimeError) -> CInt
    ) -> @Sendable (ParsedArguments) throws(CommandError) -> CInt {
        { arguments throws(CommandError) in
            _ = try arguments.requireOperands(operands)
            do throws(RuntimeError) {
                return try body(arguments)
            } catch {
                throw CommandError(error)
            }
        }
    }
}
