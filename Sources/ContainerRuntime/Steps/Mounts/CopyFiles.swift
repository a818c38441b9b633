internal import LinuxSystem
internal import SystemPackage

/// `vfs.files` with `names`.
struct CopyFiles: ContainerStep {
    static let manual = StepManual(
        "copy files",
        what: """
            Copies files of a directory of the host, with their permission bits, to a directory of \
            the container. They belong to the container's root. The init process reads them with its \
            own rights: a file that it may not read is left out, as is one that is not there and one \
            that is not a regular file.
            """,
        why: """
            After the mounts, in which they may lie. Small files take less time than a bind mount of \
            each.
            """,
        calls: "openat2, mkdirat, openat, fstat, read, write, fchmod")

    let path: String
    let names: [String]
    let source: String
    /// Among the sources, counted from 0.
    let number: Int

    var summary: String { "copy \(names.count) files of \(source) to \(path)" }
    var needs: Provisions { [.root, .fileSources] }

    func apply(_ context: ContainerContext) throws(Failure) {
        let sources = context.handover.fileSources
        let from = try (sources.indices.contains(number) ? sources[number] : nil)
            .given(.fileSources)
        let place = try context.place(path)
        let directory = try attempt("mkdirat", on: path, try place.makeDirectories())
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for name in names {
            do throws(Errno) {
                try copy(name, from: from.borrowed, to: directory.borrowed, &buffer)
            } catch {
                throw Failure("copy", "\(path)/\(name)".inQuotes, error)
            }
        }
    }

    private func copy(
        _ name: String, from: FileDescriptor, to directory: FileDescriptor,
        _ buffer: inout [UInt8]
    ) throws(Errno) {
        let source: OwnedDescriptor
        do throws(Errno) {
            source = try from.open(name, [.readOnly, .nonBlocking, .noControllingTerminal])
        } catch .noSuchFileOrDirectory, .permissionDenied, .tooManySymbolicLinkLevels,
            .noSuchAddressOrDevice
        {
            return
        }
        let status = try FileStatus.of(source.borrowed)
        if status.kind != .regular { return }
        let made = try directory.makeAnew(name)
        try source.borrowed.copy(to: made.borrowed, &buffer)
        try made.borrowed.changeMode(status.permissions & 0o777)
    }
}
