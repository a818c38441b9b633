internal import ContainerRuntime
internal import LinuxSystem

extension Command {
    /// `vfs-run resume ID`
    static let resume = Command(
        name: "resume", summary: "resume all processes of a paused container", operands: "ID",
        isOfContainers: true,
        run: { arguments throws(Failure) in
            try arguments.container().resume()
            return 0
        })
}
