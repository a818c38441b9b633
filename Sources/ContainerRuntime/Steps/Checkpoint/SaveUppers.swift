internal import Archives
internal import Layers
internal import LinuxSystem
internal import OCISpec
internal import SystemPackage

/// `vfs.overlay` with an upper that is thrown away, which CRIU does not see.
struct SaveUppers: RuntimeStep {
    static let manual = StepManual(
        "save the upper",
        what: """
            Writes what the container has written to its root into an archive beside the images, \
            as a layer.
            """,
        why: """
            While the container is frozen, so that files and memory are of one moment; before it \
            goes on or ends, and its upper with it.
            """,
        calls: "setns, open_tree, openat, write")

    let summary = "save what was written to the root"
    let undoing = "the archive stays with the images"
    var needs: Provisions { [.container, .images, .conversation] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        let container = try context.container.given(.container)
        do throws(Failure) {
            try save(container, try context.images.given(.images))
        } catch {
            throw context.abandonCRIU(error)
        }
    }

    private static let mostOfHoles: Int64 = 1 << 30

    private func save(
        _ container: StoredContainer, _ images: CheckpointImages
    ) throws(Failure) {
        let view = try container.view()
        let name = CheckpointImages.upperName(nil)
        var stack = try LayerStack(
            uppers: [view.root], over: view.layers,
            marks: view.hasUserAttributes ? .user : OverlayMarks.own, isView: true)
        stack.owners = view.owners
        // A new file: one of before may be open, or a link.
        try? images.directory.borrowed.remove(name)
        let file = try attempt(
            "openat", on: "\(images.path)/\(name)",
            try images.directory.borrowed.open(
                name, [.create, .exclusive, .writeOnly], mode: 0o600))
        // A file that is one large hole takes nothing in the container, and its size here.
        _ = try LayerArchive(layer: stack).write(
            to: file.borrowed, .none, mostOfHoles: SaveUppers.mostOfHoles)
    }
}
