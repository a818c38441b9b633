internal import ContainerRuntime
internal import LinuxSystem

extension Command {
    /// `vfs-run pause ID`
    static let pause = Command(
        name: "pause", summary: "suspend all processes of a container", operands: "ID",
        isOfContainers: true,
        run: { arguments throws(Failure) in
            try arguments.container().pause()
            return 0
        })
}
