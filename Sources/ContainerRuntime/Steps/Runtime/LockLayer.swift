internal import Layers
internal import LinuxSystem
internal import Overlay
internal import SystemPackage

/// A layer of `vfs.overlay`.
struct LockLayer: RuntimeStep {
    static let manual = StepManual(
        "lock a layer",
        what: """
            Opens the layer without following links that a container could have made. A layer \
            that is an upper or a snapshot is locked for many readers, in a file of the runtime's \
            own that no container can open.
            """,
        why: """
            Before the upper, so that a missing layer leaves no new upper behind, and before \
            anything is mounted. A layer may be shared by any number of runs, but it may not be \
            the upper of one.
            """,
        calls: "openat2, fcntl")

    let path: String

    var summary: String { "lock the layer \(path)" }
    var gives: Provisions { [.layers] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        if let known = context.prepared?.layers[path] {
            return context.handover.add(known, at: path)
        }
        let layer: OverlayDirectory
        do throws(OverlayError) {
            layer = try OverlayDirectory(opening: path, as: "layer")
        } catch {
            throw Failure(error.sentence)
        }
        if let lock = try LayerLock.take(layer.borrowed, path) {
            context.locks.append(lock)
            context.prepared?.locks.append(lock)
        }
        let found = try attempt("readlink", on: path, try FoundDirectory(layer.borrowed))
        context.handover.add(found, at: path)
        context.prepared?.layers[path] = found
        try context.prepared?.note(path, layer.borrowed)
    }
}
