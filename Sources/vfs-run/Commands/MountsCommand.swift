internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec

extension Command {
    /// `vfs-run mounts add|remove ID FILE`
    static let mounts = Command(
        name: "mounts", summary: "add mounts to a running container, or remove them",
        operands: "add|remove ID FILE",
        details: [
            "FILE has an array of mounts, as \"mounts\" of config.json has them. add attaches bind mounts"
                + " and tmpfs to the running container, all of them or none. remove takes away what"
                + " add has mounted on each destination; the other keys do not matter.",
            "They end with the container. No link of the container's is followed, and nothing is mounted on"
                + " /, /dev, /dev/pts, /proc and /sys, and below the last two.",
        ],
        isOfContainers: true,
        run: { arguments throws(Failure) in
            let words = arguments.operands
            guard words[0] == "add" || words[0] == "remove" else {
                throw Failure("unknown command mounts \(words[0].inQuotes); use add or remove")
            }
            let container = try arguments.globals.store.find(try ContainerID(words[1]))
            let document = try LoadedConfig.read(words[2], ofBundle: false)
            let diagnostics = Diagnostics(document, file: words[2])
            let mounts = RuntimeMount.read(diagnostics, forRemoval: words[0] == "remove")
            if diagnostics.hasErrors { throw Failure(diagnostics.sorted.map(\.text)) }
            if words[0] == "add" {
                try container.addMounts(mounts)
            } else {
                try container.removeMounts(mounts)
            }
            return 0
        })
}
