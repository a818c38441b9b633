internal import LinuxSystem
internal import SystemPackage

/// The runtime's own procfs.
struct OpenPrivateProc: ContainerStep {
    static let manual = StepManual(
        "open a procfs",
        what: "Makes a procfs that is attached nowhere, through which the runtime itself writes.",
        why: """
            Only in a user namespace, which may mount a procfs while it sees one: before the \
            pivot, which takes away the host's.
            """,
        calls: "fsopen, fsconfig, fsmount, open_tree")

    let summary = "open a procfs of the runtime's own"

    func apply(_ context: ContainerContext) throws(Failure) {
        do throws(Errno) {
            context.privateProc = try ContainerContext.makePrivateProc()
        } catch .notPermitted, .permissionDenied {
            // The processes of another user namespace's pid namespace, or a host that is a
            // container with parts of its procfs covered: as the host has it mounted.
            context.privateProc = try hosts()
        } catch {
            throw Failure("fsopen", "proc", error)
        }
    }

    private func hosts() throws(Failure) -> HeldRoot {
        let tree = try attempt(
            "open_tree", on: "/proc", try DetachedMount.clone("/proc", recursive: true))
        let magic = try attempt("fstatfs", on: "/proc", try FileSystemMagic.of(tree.borrowed))
        if magic != .procfs { throw Failure("the host's /proc is no procfs") }
        return HeldRoot(RootDirectory(tree.release()))
    }
}
