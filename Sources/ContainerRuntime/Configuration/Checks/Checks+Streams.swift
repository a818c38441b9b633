internal import OCISpec

/// Files in the place of standard streams.
extension Checks {
    func streamFiles() {
        guard let first = request.invocation.streamFiles.first, request.invocation.hasTerminal,
            let terminal = spec.process?.terminal, terminal.value
        else { return }
        diagnostics.error(
            "a program with a terminal has no standard stream to replace; remove \(first.option), or"
                + " the terminal", at: terminal.offset)
    }
}
