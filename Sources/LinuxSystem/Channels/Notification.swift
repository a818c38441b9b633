internal import CLinux
internal import Glibc
public import SystemPackage

/// A counter that can be waited for (eventfd(2)).
public final class EventCounter: Sendable {
    private let descriptor: OwnedDescriptor

    /// The corresponding C function is `eventfd`.
    public init() throws(Errno) {
        descriptor = try OwnedDescriptor.adopt(clinux_eventfd())
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }

    /// How often it has been counted up since the last time.
    public func take() throws(Errno) -> UInt64 {
        guard let bytes = try descriptor.borrowed.readSome(8), bytes.count == 8 else { return 0 }
        return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self) }
    }
}

/// Tells by a descriptor when a file changes (inotify(7)).
public final class FileWatch: Sendable {
    private let descriptor: OwnedDescriptor

    /// The corresponding C functions are `inotify_init1` and `inotify_add_watch`.
    public init(_ path: String) throws(Errno) {
        let made = try OwnedDescriptor.adopt(inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)))
        _ = try check(
            unsafe inotify_add_watch(made.borrowed.rawValue, path, CUnsignedInt(IN_MODIFY)))
        descriptor = made
    }

    public var borrowed: FileDescriptor { descriptor.borrowed }

    /// Takes note of every change so far.
    public func take() throws(Errno) {
        while let bytes = try descriptor.borrowed.readSome(4096), !bytes.isEmpty {}
    }
}

/// A file that tells, as long as it is open, of what was written to it to be told of.
public final class FileTrigger: Sendable {
    private let descriptor: OwnedDescriptor

    /// The corresponding C functions are `open` and `write`.
    public init(_ path: String, _ words: String) throws(Errno) {
        let opened = try HostPath.open(path, [.readWrite, .nonBlocking])
        try opened.borrowed.write(all: Array(words.utf8))
        descriptor = opened
    }

    /// Urgent when it tells.
    public var borrowed: FileDescriptor { descriptor.borrowed }
}
