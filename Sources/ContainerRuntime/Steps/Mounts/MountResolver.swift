internal import LinuxSystem
internal import SystemPackage

/// Name servers of the container's network.
struct MountResolver: ContainerStep {
    static let manual = StepManual(
        "mount the list of name servers",
        what: """
            Writes a file on a tmpfs of its own, and mounts it read-only on /etc/resolv.conf. \
            Nothing of it is in an upper: no comparison and no archive has it.
            """,
        why: "After the mounts, of which one may hold /etc.",
        calls: "fsopen, fsmount, openat, write, move_mount, open_tree, fchdir, umount2")

    let content: String

    private static let path = "/etc/resolv.conf"

    let summary = "mount a list of name servers on /etc/resolv.conf"
    var needs: Provisions { .root }

    func apply(_ context: ContainerContext) throws(Failure) {
        let root = try context.root.given(.root)
        let path = MountResolver.path
        let file = try attempt(
            "mount", "tmpfs for \(path)", try makeFile(on: root.directory.borrowed))
        let place = try context.place(path)
        let target = try attempt(
            "openat2", on: path,
            advice: {
                $0 == .readOnlyFileSystem
                    ? "it is missing in a read-only mount; mount a file there" : nil
            }, try place.makeFile())
        try attempt("move_mount", on: path, try file.attach(to: target.borrowed))
    }

    /// A file alone can be mounted. Before Linux 6.15 only of what is attached a clone can be made: for
    /// this moment the tmpfs is, on the root, where nothing is looked up meanwhile.
    private func makeFile(on place: FileDescriptor) throws(Errno) -> DetachedMount {
        let tmpfs = try FileSystemContext("tmpfs")
        try tmpfs.set("size", "128k")
        try tmpfs.set("nr_inodes", "2")
        try tmpfs.set("mode", "755")
        try tmpfs.create()
        let tree = try tmpfs.mount()
        let made = try tree.borrowed.open(
            "resolv.conf", [.create, .exclusive, .writeOnly], mode: 0o644)
        try made.borrowed.changeMode(0o644)
        try made.borrowed.write(all: Array(content.utf8))
        try tree.attach(to: place)
        let handle = try tree.borrowed.open("resolv.conf", .path)
        let file = try DetachedMount.clone(handle.borrowed, recursive: false)
        try MountTree.detach(tree.borrowed)
        try CurrentProcess.changeDirectory(place)
        try file.setAttributes(
            set: [.readOnly, .noSetUserID, .noDevices, .noExecution], clear: [])
        return file
    }
}
