internal import CLinux
public import SystemPackage

/// A system call that waits for the answer of another process (seccomp_unotify(2)).
public struct SeccompNotification: Sendable {
    private let id: UInt64
    /// As this process numbers it; 0 where it has no number for it.
    public let pid: Int32
    public let number: UInt32
    /// `AUDIT_ARCH_*`
    public let architecture: UInt32
    public let arguments: [UInt64]

    /// What becomes of the call.
    public enum Answer: Sendable {
        /// It fails; 0: it does nothing and returns 0.
        case error(UInt32)
        /// The kernel carries it out, with the arguments that it has then in the process's memory.
        case goOn
    }

    /// The next one of a listener that is readable.
    ///
    /// - Throws: `Errno.noSuchFileOrDirectory` where the process has ended since.
    ///
    /// The corresponding C function is `ioctl` with `SECCOMP_IOCTL_NOTIF_RECV`.
    public static func receive(_ listener: FileDescriptor) throws(Errno) -> SeccompNotification {
        var words = [UInt64](repeating: 0, count: 10)
        try checkDone(unsafe clinux_receive_notification(listener.rawValue, &words))
        return SeccompNotification(
            id: words[0], pid: Int32(truncatingIfNeeded: words[1]),
            number: UInt32(truncatingIfNeeded: words[2]),
            architecture: UInt32(truncatingIfNeeded: words[3]), arguments: Array(words[4...]))
    }

    /// The corresponding C function is `ioctl` with `SECCOMP_IOCTL_NOTIF_SEND`.
    ///
    /// - Throws: `Errno.noSuchFileOrDirectory` where the process waits no more.
    public func answer(_ answer: Answer, _ listener: FileDescriptor) throws(Errno) {
        let error: CInt =
            switch answer {
            case .error(let number): CInt(clamping: number)
            case .goOn: -1
            }
        try checkDone(clinux_answer_notification(listener.rawValue, id, error))
    }

    /// A string in the memory of the process, which may change it at any time: for people, and for no
    /// decision. Nil where it cannot be read.
    public func text(
        at address: UInt64, upTo limit: Int, _ listener: FileDescriptor
    ) -> String? {
        guard let offset = Int64(exactly: address), offset > 0,
            let memory = try? HostPath.open("/proc/\(pid)/mem", .readOnly),
            // Opened while it waits: it is that process and no other.
            clinux_notification_lives(listener.rawValue, id) == 0
        else { return nil }
        var bytes: [UInt8] = []
        // By pages: the next one need not exist.
        while bytes.count < limit {
            let place = offset + Int64(bytes.count)
            let room = min(4096 - Int(place % 4096), limit - bytes.count)
            guard let piece = try? memory.borrowed.readBytes(upTo: room, at: place),
                !piece.isEmpty
            else { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) + "…" }
            bytes += piece.prefix { $0 != 0 }
            if piece.contains(0) { return String(decoding: bytes, as: UTF8.self) }
        }
        return String(decoding: bytes, as: UTF8.self) + "…"
    }
}
