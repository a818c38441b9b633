internal import LinuxSystem
internal import SystemPackage

/// The restored container against the config, which the images may be older than.
struct VerifyRestored: TurnStep {
    static let manual = StepManual(
        "verify the restored container",
        what: """
            Compares mounts, masks, read-only paths and the first process's capabilities, ids, \
            no_new_privs, filter and OOM score with the config. A container that could do more \
            than the config says is not let go on. Which calls the filter allows the images alone \
            say.
            """,
        why: """
            When criu has given the processes their rights, and stopped them before they go on. \
            After a failure they are killed first: criu would let them go on.
            """,
        calls: "openat2, fstat, fstatvfs, fstatfs, read")

    let mounts: [Configuration.Mount]
    let masked: [String]
    let readOnly: [String]
    let rights: RestoredRights

    let summary = "verify that the container can do no more than the config says"

    /// Those that confine.
    private static let confining: MountAttributes = [
        .readOnly, .noSetUserID, .noDevices, .noExecution, .noSymbolicLinks,
    ]

    func apply(_ context: RuntimeContext, to process: MadeProcess) throws(Failure) {
        do throws(Failure) {
            let root = RootDirectory(
                try attempt(
                    "open", "the container's root",
                    try HostPath.open("/proc/\(process.pid)/root", [.path, .directory])))
            if let excess = try rights.excess(of: process.pid) { throw refusal(excess) }
            if rights.isRootReadOnly, try !attributes("/", root).contains(.readOnly) {
                throw refusal("root.readonly")
            }
            try verifyMounts(root)
            for path in masked where try !isMasked(path, root) {
                throw refusal("linux.maskedPaths: \(path)")
            }
            for path in readOnly {
                guard let file = try open(path, root) else { continue }
                let found = try attempt(
                    "fstatvfs", on: path, try MountAttributes(of: file.borrowed))
                if !found.contains(.readOnly) { throw refusal("linux.readonlyPaths: \(path)") }
            }
        } catch {
            throw context.endRestored(error)
        }
    }

    private func refusal(_ setting: String) -> Failure {
        Failure(
            "the images are of a container that could do more than the config allows (\(setting));"
                + " restore it with the config that it was saved with")
    }

    /// Nil where there is nothing.
    private func open(
        _ path: String, _ root: borrowing RootDirectory
    ) throws(Failure) -> HeldDescriptor? {
        do throws(Errno) {
            return HeldDescriptor(try root.open(path, .path))
        } catch .noSuchFileOrDirectory, .notDirectory {
            return nil
        } catch {
            throw Failure("openat2", path.inQuotes, error)
        }
    }

    private func attributes(
        _ path: String, _ root: borrowing RootDirectory
    ) throws(Failure) -> MountAttributes {
        guard let file = try open(path, root) else { return [] }
        return try attempt("fstatvfs", on: path, try MountAttributes(of: file.borrowed))
    }

    private func verifyMounts(_ root: borrowing RootDirectory) throws(Failure) {
        for (index, mount) in mounts.enumerated() where mount.kind != .remount {
            let path = PathText.cleaned(mount.destination)
            // A later one on the same place is the one that is seen.
            let later = mounts[(index + 1)...]
            if later.contains(where: { PathText.cleaned($0.destination) == path }) { continue }
            guard let file = try open(path, root) else { throw refusal("mounts: \(path)") }
            let wanted = mount.set.union(mount.setRecursively)
                .intersection(VerifyRestored.confining)
            let found = try attempt("fstatvfs", on: path, try MountAttributes(of: file.borrowed))
            if !wanted.isSubset(of: found) { throw refusal("mounts: \(path)") }
            guard case .bind(let source, _) = mount.kind else { continue }
            let isSame = try attempt(
                "stat", on: source,
                try FileStatus.of(path: source).isSame(as: try FileStatus.of(file.borrowed)))
            if !isSame { throw refusal("mounts: \(path) is not \(source)") }
        }
    }

    private func isMasked(_ path: String, _ root: borrowing RootDirectory) throws(Failure) -> Bool {
        guard let file = try open(path, root) else { return true }
        let status = try attempt("fstat", on: path, try FileStatus.of(file.borrowed))
        if status.kind == .characterDevice { return status.deviceNumber == .null }
        guard status.kind == .directory, try attributes(path, root).contains(.readOnly) else {
            return false
        }
        func isEmpty() throws(Errno) -> Bool {
            let directory = try root.open(path, [.readOnly, .directory])
            return try directory.borrowed.entries().isEmpty
        }
        return try attempt("getdents64", on: path, try isEmpty())
    }
}
