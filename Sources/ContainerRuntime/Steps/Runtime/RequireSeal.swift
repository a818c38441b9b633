internal import LinuxSystem
internal import SystemPackage

/// The binary of the runtime, which no container may overwrite.
///
/// Without root nothing can be mounted here. Then the binary must belong to a user whom no id of
/// the container's stands for; otherwise a copy in memory is run that can no more be changed.
struct RequireSeal: RuntimeStep {
    static let manual = StepManual(
        "run from a sealed mount",
        what: """
            The runtime process re-executes itself from a detached, read-only clone of the mount \
            that its own binary lies on. It does so at its entry point, before the C library \
            starts. Without root it runs a copy from memory where the container's ids could write \
            the binary.
            """,
        why: """
            Before anything of the container exists. Through /proc/PID/exe a container could \
            otherwise open the host's binary for writing (CVE-2019-5736).
            """,
        calls: "open_tree, mount_setattr, execveat")

    /// The users of the host behind the container's ids, where the runtime is not root.
    var users: IDMap?

    var summary: String {
        users == nil
            ? "run from a sealed mount of the runtime's own binary"
            : "run from a binary that the container cannot write"
    }

    func apply(_ context: RuntimeContext) throws(Failure) {
        if let users { return try requireForeign(users) }
        CurrentProcess.seal()
        if CurrentProcess.isSealed { return }
        if Credentials.effectiveUser != 0 {
            throw Failure(
                "--rootless=false requires root; leave it out or run"
                    + " vfs-run as root")
        }
        throw Failure(
            "the binary could not be sealed against being overwritten by a container;"
                + " this needs CAP_SYS_ADMIN, /proc and Linux 5.14")
    }
}

extension RequireSeal {
    private static let binary = "/proc/self/exe"

    private static var reason: String {
        KernelSetting.number("vm/memfd_noexec") == 2 ? " (vm.memfd_noexec is 2)" : ""
    }

    private func requireForeign(_ users: IDMap) throws(Failure) {
        let (path, status) = try attempt(
            "stat", RequireSeal.binary,
            try (
                HostPath.linkTarget(RequireSeal.binary),
                FileStatus.of(path: RequireSeal.binary)
            ))
        if path.hasPrefix("/memfd:vfs-run") || CurrentProcess.isSealed { return }
        let isOurs = users.reaches(status.userID) || status.userID == Credentials.effectiveUser
        if !isOurs && status.permissions & 0o022 == 0 { return }
        CurrentProcess.sealByCopy()
        throw Failure(
            "the binary \(path) can be written by the container, and no copy of it can be run from"
                + " memory\(RequireSeal.reason); install vfs-run as root's, mode 755")
    }
}
