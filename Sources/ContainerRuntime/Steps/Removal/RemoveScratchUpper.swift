internal import LinuxSystem

/// The upper of a run that is thrown away and yet lies on a disk.
struct RemoveScratchUpper: RuntimeStep {
    static let manual = StepManual(
        "remove what was written",
        what: "Removes the directory that holds the upper of a run that is thrown away.",
        why: "When the container has ended, and what it wrote has been read.",
        calls: "openat, getdents64, unlinkat, clone3, wait4")

    let directory: String

    var summary: String { "remove \(directory), with what the container wrote" }
    let undoing = "nothing: it is gone"

    func apply(_ context: RuntimeContext) throws(Failure) {
        guard context.hasScratchUpper else { return }
        context.hasScratchUpper = false
        try ScratchUppers.remove(directory)
    }
}
