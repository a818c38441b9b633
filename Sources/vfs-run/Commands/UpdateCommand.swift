internal import Cgroups
internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

extension Command {
    /// `vfs-run update ID`
    static let update = Command(
        name: "update", summary: "change the resource limits of a container", operands: "ID",
        details: [
            "Limits without an option stay as they are. A size is a number of bytes; the suffixes k,"
                + " m, g and t are powers of 1024. -1 removes a limit. --resources overrides all"
                + " other options."
        ],
        options: [.resources] + UpdatedResources.fields.map(\.option)
            + [.kernelMemory, .kernelMemoryTCP, .cacheSchema, .bandwidthSchema],
        isOfContainers: true,
        run: { arguments throws(Failure) in
            let resources =
                if let file = arguments.value(.resources) {
                    try UpdatedResources.read(file, arguments)
                } else {
                    try UpdatedResources.given(arguments)
                }
            try arguments.container().update(
                resources, l3CacheSchema: arguments.value(.cacheSchema),
                memoryBandwidthSchema: arguments.value(.bandwidthSchema))
            return 0
        })
}
