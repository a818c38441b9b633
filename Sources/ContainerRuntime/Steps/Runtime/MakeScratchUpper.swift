internal import LinuxSystem
internal import SystemPackage

/// The directory of an upper that is thrown away, where no tmpfs can hold it.
struct MakeScratchUpper: RuntimeStep {
    static let manual = StepManual(
        "make a directory for the throw-away upper",
        what: """
            Makes a directory that belongs to the caller. It is removed after the run, in a user \
            namespace with the container's ids. Directories that killed runs have left are \
            removed first.
            """,
        why: """
            Only without root, where the kernel's tmpfs does not store user.* attributes (before \
            Linux 6.6). Before the step that locks the upper in it.
            """,
        calls: "mkdir, clone3, setns, unlinkat")

    let directory: String

    var summary: String { "make \(directory) for the throw-away upper" }
    let undoing = "it is removed after the run, or by the next one"

    func apply(_ context: RuntimeContext) throws(Failure) {
        let end = directory.lastIndex(of: "/") ?? directory.startIndex
        let parent = String(directory[..<end])
        try attempt("mkdir", on: parent, try HostPath.makeDirectories(parent, mode: 0o700))
        ScratchUppers.sweep(parent)
        try attempt("mkdir", on: directory, try HostPath.makeDirectories(directory, mode: 0o700))
        context.hasScratchUpper = true
    }
}
