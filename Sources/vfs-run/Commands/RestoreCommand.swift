internal import ContainerRuntime
internal import LinuxSystem

extension Command {
    /// `vfs-run restore ID`
    static let restore = Command(
        name: "restore", summary: "make a container from images", operands: "ID",
        details: [
            "Makes the container that \"vfs-run checkpoint\" has saved: its root and its mounts from"
                + " the bundle's config.json, its processes from the images. Waits for its end as"
                + " run does, or with --detach returns when it goes on.",
            "The images say what runs as root. They are read only where every file of them belongs"
                + " to this user and no other user can write to it.",
        ],
        options: [
            .bundle, .config, .consoleSocket, .pidFile, .noPivot, .detach, .keep, .noSubreaper,
            .labelProfile, .labelMounts,
        ] + Option.imaging,
        isOfContainers: true,
        run: { arguments throws(Failure) in
            var options = try CheckpointOptions(arguments)
            options.readRestore(arguments)
            try requireRoot("restore")
            return try launch(
                arguments, until: arguments.has(.detach) ? .started : .ended, restoring: options)
        })
}
