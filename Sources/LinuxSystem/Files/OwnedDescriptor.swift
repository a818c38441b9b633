internal import CLinux
internal import Glibc
public import SystemPackage

/// A file descriptor with one owner, closed when the owner goes away.
///
/// `FileDescriptor` lends, `OwnedDescriptor` owns. Every descriptor this module
/// opens is close-on-exec.
public struct OwnedDescriptor: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Takes over `descriptor`; no other code may close it.
    public init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The descriptor on loan, valid while its owner lives.
    public var borrowed: FileDescriptor { descriptor }

    /// Hands the descriptor over: closing it is the caller's duty from now on.
    public consuming func release() -> FileDescriptor {
        let released = descriptor
        discard self
        return released
    }

    deinit {
        // An error of close(2) means nothing here: the descriptor is gone.
        _ = Glibc.close(descriptor.rawValue)
    }
}

extension FileDescriptor {
    /// Whether it is open and would stay so across exec: a descriptor of the caller's. Those of
    /// this process are all close-on-exec.
    ///
    /// The corresponding C function is `fcntl` with `F_GETFD`.
    public var isInherited: Bool {
        let flags = fcntl(rawValue, F_GETFD)
        return flags >= 0 && flags & FD_CLOEXEC == 0
    }
}

extension FileDescriptor {
    /// A program that replaces this one gets it. The corresponding C function is `fcntl` with
    /// `F_SETFD`.
    public func staysOpen() throws(Errno) { _ = try check(fcntl(rawValue, F_SETFD, 0)) }
}

extension OwnedDescriptor {
    /// The corresponding C function is `dup3` to a free number with `O_CLOEXEC`.
    public static func duplicate(_ original: FileDescriptor) throws(Errno) -> OwnedDescriptor {
        try adopt(fcntl(original.rawValue, F_DUPFD_CLOEXEC, 3))
    }

    /// Takes over what a call returned, or throws its `errno`.
    static func adopt(_ result: CInt) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(FileDescriptor(rawValue: try check(result)))
    }
}
