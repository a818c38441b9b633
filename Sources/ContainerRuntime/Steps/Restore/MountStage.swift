internal import LinuxSystem
internal import SystemPackage

/// A place in criu's mount namespace for the trees that the container gets from the host.
struct MountStage: ContainerStep {
    static let manual = StepManual(
        "mount the stage",
        what: """
            Mounts a tmpfs over the container's directory, in this mount namespace alone. The \
            container's root and the sources of its bind mounts are attached in it.
            """,
        why: """
            criu takes trees by their paths. These lie where nothing else does, and go with the \
            mount namespace.
            """,
        calls: "fsopen, fsconfig, fsmount, move_mount")

    let path: String

    var summary: String { "mount a tmpfs for the container's trees on \(path)" }
    var gives: Provisions { [.stage] }

    func apply(_ context: ContainerContext) throws(Failure) {
        func mount() throws(Errno) -> OwnedDescriptor {
            let tmpfs = try FileSystemContext("tmpfs")
            try tmpfs.set("mode", "700")
            try tmpfs.create()
            let tree = try tmpfs.mount([.noSetUserID, .noDevices, .noExecution])
            let place = try HostPath.open(path, [.path, .directory])
            try tree.attach(to: place.borrowed)
            return tree.release()
        }
        context.stage = HeldDescriptor(try attempt("mount", "tmpfs on \(path)", try mount()))
    }
}
