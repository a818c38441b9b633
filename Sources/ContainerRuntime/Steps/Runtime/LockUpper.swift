internal import Layers
internal import LinuxSystem
internal import SystemPackage

/// The upper of `vfs.overlay`, where it is kept.
struct LockUpper: RuntimeStep {
    static let manual = StepManual(
        "lock the upper",
        what: """
            Opens the upper without following links that a container could have made, and locks \
            it for one writer, in a file of the runtime's own that no container can open. An \
            upper is refused that belongs to another user, holds other files, lies in a layer or \
            was written over other layers.
            """,
        why: """
            Before anything is mounted: two overlays on one upper destroy it, and the kernel only \
            warns. The lock is held by a descriptor of the runtime process and ends with it.
            """,
        calls: "openat2, mkdirat, fcntl")

    /// Holds `upper` and `work`.
    let directory: String
    /// The layers of the run, which have to be those that the upper was written over.
    let record: KeptUpper.Record
    let snapshots: SnapshotPlan
    /// Whether it is the upper of the container's root.
    let isOfRoot: Bool
    /// Whether it may lie in a layer, where the container does not see it.
    let isHidden: Bool

    var summary: String {
        let freezing = snapshots.taken.map { ", freeze it as the snapshot \($0.name)" } ?? ""
        return "lock the upper in \(directory)\(freezing)"
    }
    let undoing = "the lock goes with the runtime process, the directory stays"
    var gives: Provisions { [.layers, .keptUpper] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        // The mode of the upper is that of the container's root, whatever the caller's umask is.
        Credentials.setFileModeMask(0)
        let kept = try KeptUpper(
            preparing: directory, over: isHidden ? [] : record.layers)
        try kept.lock()
        try kept.require(record)
        let ready = try kept.carryOut(snapshots, over: record) {
            (merge) throws(Failure) in
            try MappedOwners.lend(record.owners, merge)
        }
        if isOfRoot { context.keptUpper = ready }
        context.keptUppers = context.keptUppers ?? [:]
        context.keptUppers?[directory] = ready
        let taken = snapshots.stacked.map { "snapshots/" + $0.directoryName }
        for name in ["upper", "work"] + taken { try find(name, ready, context) }
    }

    private func find(
        _ name: String, _ upper: KeptUpper, _ context: RuntimeContext
    ) throws(Failure) {
        let path = "\(directory)/\(name)"
        let opened = try upper.open(name)
        context.handover.add(
            try attempt("readlink", on: path, try FoundDirectory(opened.borrowed)), at: path)
    }
}
