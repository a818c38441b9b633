public import LinuxSystem
internal import SystemPackage

/// Where the boxes of isolate(1) lie.
public struct BoxStore: Sendable {
    /// Absolute.
    public let root: String

    public init(root: String) { self.root = root }

    /// That of the caller: VFS_RUN_BOXES, or `boxes` beside the kept sandboxes.
    public static func ofCaller() throws(Failure) -> BoxStore {
        if let folder = CurrentProcess.environment("VFS_RUN_BOXES") {
            guard folder.hasPrefix("/") else {
                throw Failure("VFS_RUN_BOXES: \(folder.inQuotes) is not an absolute path")
            }
            return BoxStore(root: HostPath.cleaned(folder))
        }
        let sandboxes = try SandboxStore.ofCaller().root
        return BoxStore(root: HostPath.cleaned("\(sandboxes)/../boxes"))
    }

    /// The highest number of a box.
    public static let most: UInt32 = 1 << 31 - 1

    /// A box, locked while the value lives.
    ///
    /// - Parameters:
    ///   - makes: For a box that is about to be made.
    ///   - waits: Whether another process that uses the box is waited for.
    /// - Returns: Nil for a box that was never made.
    public func open(_ number: UInt32, makes: Bool, waits: Bool) throws(Failure) -> Box? {
        if makes {
            try attempt("mkdir", on: root, try HostPath.makeDirectories(root, mode: 0o700))
        }
        guard let folder = try openRoot(),
            let lock = try openLock(number, in: folder, makes: makes)
        else { return nil }
        let status = try attempt("fstat", "the lock", try FileStatus.of(lock.borrowed))
        if status.kind != .regular || !status.isOwn {
            throw Failure(
                "\("\(root)/locks/\(number)".inQuotes) is no regular file of this user's own; remove"
                    + " it")
        }
        try take(lock.borrowed, number, waits: waits)
        return Box(number, in: folder, path: "\(root)/\(number)", lock: lock)
    }

    /// Nil where no box was ever made.
    private func openRoot() throws(Failure) -> OwnedDescriptor? {
        let reason: String
        do throws(Errno) {
            let folder = try HostPath.open(root, [.readOnly, .directory])
            guard let found = try FileStatus.of(folder.borrowed).foreignness else { return folder }
            reason = found
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure("open", root.inQuotes, error)
        }
        throw Failure(
            "the boxes in \(root.inQuotes) are not believed: \(reason); name another directory by"
                + " VFS_RUN_BOXES")
    }

    private func openLock(
        _ number: UInt32, in folder: borrowing OwnedDescriptor, makes: Bool
    ) throws(Failure) -> OwnedDescriptor? {
        let flags: OpenFlags = [.readWrite, .append, .nonBlocking, .noControllingTerminal]
        let name = String(number)
        do throws(Errno) {
            if makes {
                let locks = try folder.borrowed.openOrMake("locks", mode: 0o700)
                return try locks.borrowed.open(name, flags.union(.create), mode: 0o600)
            }
            let locks = try folder.borrowed.open("locks", [.path, .directory])
            return try locks.borrowed.open(name, flags)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure("open", "\(root)/locks/\(number)".inQuotes, error)
        }
    }

    private func take(
        _ lock: FileDescriptor, _ number: UInt32, waits: Bool
    ) throws(Failure) {
        do throws(Errno) {
            if waits {
                try lock.waitForLock(until: .max)
            } else {
                try lock.lock(exclusive: true)
            }
        } catch .wouldBlock {
            throw Failure(
                "the box \(number) is in use by another process; wait for its end with --wait, or"
                    + " choose another box by --box-id")
        } catch {
            throw Failure("flock", "the lock of the box \(number)", error)
        }
    }
}
