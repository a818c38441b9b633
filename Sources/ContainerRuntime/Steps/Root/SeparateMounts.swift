internal import LinuxSystem
internal import SystemPackage

/// `linux.rootfsPropagation`, before the first mount.
struct SeparateMounts: ContainerStep {
    static let manual = StepManual(
        "separate mounts from the host",
        what: """
            A new mount namespace starts as a copy whose mounts are peers of the host's. This \
            step ends the propagation, in one direction or in both. With rootfsPropagation \
            "shared" only the mount that the root lies on is made private.
            """,
        why: "First of the steps that mount: a mount made before it would appear on the host.",
        calls: "mount_setattr")

    let propagation: Configuration.Propagation
    /// The directory of the host that the root will be mounted on.
    let mountpoint: String

    var summary: String {
        propagation.kind == .shared
            ? "share mounts with the host, but for those on \(mountpoint)"
            : "stop mounts from reaching the host"
    }

    func shell(_ commands: inout ShellCommands) {
        if propagation.kind == .shared {
            return commands.note("The mounts of this script stay its own; nothing is shared.")
        }
        commands.run(
            "mount", propagation.kind == .slave ? "--make-rslave" : "--make-rprivate", "/")
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        if propagation.kind == .shared { return try separateMountpoint() }
        let kind = propagation.kind == .slave ? MountPropagation.slave : .private
        try attempt(
            "mount_setattr", "\"/\" r\(kind.name)",
            try MountTree.setRootPropagation(kind, recursive: true))
    }
}

extension SeparateMounts {
    /// Shared by request: bind mounts stay peers of the host's. Only the mount that the root will
    /// lie on must be private, or the root would appear on the host, and pivot_root refuses it.
    private func separateMountpoint() throws(Failure) {
        let directory = try Mountpoint.open(mountpoint)
        let top = try attempt("openat", on: mountpoint, try MountTree.top(of: directory.borrowed))
        try attempt(
            "mount_setattr", "private, around \(mountpoint.inQuotes)",
            try top.borrowed.setMountPropagation(.private, recursive: false))
    }
}
