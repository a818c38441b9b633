internal import LinuxSystem
internal import SystemPackage

/// `process.cwd`
struct EnterWorkingDirectory: ContainerStep {
    static let manual = StepManual(
        "enter the working directory",
        what: """
            Opens process.cwd inside the root, makes it where it is missing, and enters it by the \
            descriptor.
            """,
        why: """
            After the mounts, in one of which it may lie. Before the root is made read-only. The \
            directory is read back: it must lie inside the root (CVE-2024-21626).
            """,
        calls: "openat2, mkdirat, fchdir, getcwd")

    let path: String
    /// Whether it is made where it is missing.
    var isMade = true
    /// Whether a failure says what to do.
    var advisesToMake = false

    var summary: String { "enter \(path)" }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        commands.run("directory", .path(path))
        commands.run(.assignment("entered", path))
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let (path, isMade) = context.job?.workingDirectory.map { ($0, false) } ?? (path, isMade)
        // With `..` in it, only the kernel knows where the path leads.
        let isClean = PathText.cleaned(path) == path
        let place = try isClean ? context.place(path) : context.rootPlace(path)
        func enter() throws(Errno) {
            let directory =
                isMade ? try openOrMake(place) : try place.open([.path, .directory])
            try CurrentProcess.changeDirectory(directory.borrowed)
        }
        try attempt(
            "chdir", on: path,
            advice: {
                switch $0 {
                case .tooManySymbolicLinkLevels:
                    "a working directory cannot be reached through /proc"
                case .fileNameTooLong: LinkPolicy.tooLong
                case .noSuchFileOrDirectory where !isMade && advisesToMake:
                    "make it first, or name a directory that is there"
                default: nil
                }
            }, try enter())
        let reached = try attempt("getcwd", try HostPath.workingDirectory())
        if !reached.hasPrefix("/") {
            throw Failure("\"\(path)\" lies outside the container's root")
        }
    }

    private func openOrMake(_ place: HeldPlace) throws(Errno) -> OwnedDescriptor {
        do {
            return try place.makeDirectories()
        } catch .readOnlyFileSystem {
            throw .noSuchFileOrDirectory
        }
    }
}
