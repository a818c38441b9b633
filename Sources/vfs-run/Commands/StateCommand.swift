internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Command {
    /// `vfs-run state ID`
    static let state = Command(
        name: "state", summary: "print the state of a container as JSON", operands: "ID",
        isOfContainers: true,
        run: { arguments throws(Failure) in
            let report = try arguments.container().report()
            try Output.write(report.json(owner: "").prettyText)
            return 0
        })
}
