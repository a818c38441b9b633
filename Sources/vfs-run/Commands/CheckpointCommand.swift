internal import ContainerRuntime
internal import LinuxSystem
internal import Supervision

extension Command {
    /// `vfs-run checkpoint ID`
    static let checkpoint = Command(
        name: "checkpoint", summary: "save a running container in images", operands: "ID",
        details: [
            "Writes the processes of the container, and what its throw-away upper and its file"
                + " systems in memory hold, into a directory, and removes the container, unless"
                + " --leave-running or --pre-dump is given. \"vfs-run restore\" makes it anew from"
                + " there. criu(8) does the work; it is found in the PATH. Requires root.",
            "Files on bind mounts, in a kept upper and in a root without an overlay stay where they"
                + " are and are not saved.",
        ],
        options: Option.imaging + [
            .parentPath, .leaveRunning, .skipInFlight, .linkRemap, .statusDescriptor,
            .pageServer, .preDump,
        ],
        isOfContainers: true,
        run: { arguments throws(Failure) in
            var options = try CheckpointOptions(arguments)
            try options.readDump(arguments)
            try requireRoot("checkpoint")
            let plan = try arguments.container().checkpointPlan(options)
            try Supervisor.carryOut(plan, warn: arguments.globals.log.warning)
            return 0
        })

    /// CRIU restores what the kernel gives to root alone.
    static func requireRoot(_ name: String) throws(Failure) {
        if Credentials.effectiveUser == 0 { return }
        throw Failure("\(name) requires root: criu saves and restores what only root may")
    }
}
