internal import ContainerRuntime
internal import JSON
internal import LinuxSystem

extension Command {
    /// `vfs-run features`
    static let features = Command(
        name: "features", summary: "print the supported features as JSON",
        details: [
            "Prints the features structure of the runtime specification: the supported versions of"
                + " config.json, and the supported mount options, namespaces, capabilities and"
                + " seccomp actions."
        ],
        run: { arguments throws(Failure) in
            try Output.write(Features.json.prettyText)
            return 0
        })
}
