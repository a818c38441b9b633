internal import ContainerRuntime

extension Command {
    /// `vfs-run resume ID`
    static let resume = Command(
        name: "resume", summary: "let the processes of a paused container go on", operands: "ID",
        details: [], options: [],
        run: on(1...1) { arguments throws(RuntimeError) in
            try arguments.container().resume()
            return 0
        })
}
