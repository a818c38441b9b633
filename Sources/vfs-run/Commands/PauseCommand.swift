internal import ContainerRuntime

extension Command {
    /// `vfs-run pause ID`
    static let pause = Command(
        name: "pause", summary: "stop all processes of a container for a while", operands: "ID",
        details: [], options: [],
        run: on(1...1) { arguments throws(RuntimeError) in
            try arguments.container().pause()
            return 0
        })
}
