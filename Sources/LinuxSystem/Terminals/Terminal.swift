internal import CLinux
internal import Glibc
public import SystemPackage

/// A terminal's settings, to be put back.
public struct TerminalSettings: Sendable {
    public let descriptor: FileDescriptor
    let saved: termios

    /// The corresponding C function is `tcgetattr`.
    public init(of descriptor: FileDescriptor) throws(Errno) {
        var found = termios()
        try checkDone(unsafe tcgetattr(descriptor.rawValue, &found))
        self.descriptor = descriptor
        saved = found
    }

    /// The terminal of the caller: the first of the standard streams that is
    /// one.
    public static func ofCaller() -> TerminalSettings? {
        for stream in [FileDescriptor.standardInput, .standardOutput, .standardError] {
            if let found = try? TerminalSettings(of: stream) { return found }
        }
        return nil
    }

    /// Raw mode: every byte goes through as it is, but that a line's end starts a new line, which
    /// a container's terminal leaves to this one. The corresponding C function is `cfmakeraw`.
    public func makeRaw() throws(Errno) {
        var raw = saved
        unsafe cfmakeraw(&raw)
        raw.c_oflag |= tcflag_t(OPOST)
        try checkDone(unsafe tcsetattr(descriptor.rawValue, TCSADRAIN, &raw))
    }

    /// Puts them back where they have changed, and without waiting. A process in the background leaves the
    /// terminal to others.
    ///
    /// The corresponding C functions are `tcgetpgrp` and `tcsetattr` with `TCSANOW`.
    public func restoreInForeground() throws(Errno) {
        let now = try TerminalSettings(of: descriptor)
        if now.isSame(as: self) || tcgetpgrp(descriptor.rawValue) != getpgrp() { return }
        var original = saved
        try checkDone(unsafe tcsetattr(descriptor.rawValue, TCSANOW, &original))
    }

    private func isSame(as other: TerminalSettings) -> Bool {
        let flags = [saved.c_iflag, saved.c_oflag, saved.c_cflag, saved.c_lflag]
        let others = [
            other.saved.c_iflag, other.saved.c_oflag, other.saved.c_cflag, other.saved.c_lflag,
        ]
        if flags != others { return false }
        return unsafe withUnsafeBytes(of: saved.c_cc) { keys in
            unsafe withUnsafeBytes(of: other.saved.c_cc) { unsafe keys.elementsEqual($0) }
        }
    }

    /// The corresponding C function is `tcsetattr`.
    public func restore() throws(Errno) {
        var original = saved
        try checkDone(unsafe tcsetattr(descriptor.rawValue, TCSADRAIN, &original))
    }
}

/// A terminal's size in characters.
public struct TerminalSize: Sendable, Hashable {
    public var rows: UInt16
    public var columns: UInt16

    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

extension FileDescriptor {
    /// The corresponding C function is `isatty`.
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// The corresponding C function is `ioctl` with `TIOCGWINSZ`.
    public func terminalSize() throws(Errno) -> TerminalSize {
        var size = winsize()
        try checkDone(unsafe clinux_ioctl_pointer(rawValue, UInt(TIOCGWINSZ), &size))
        return TerminalSize(rows: size.ws_row, columns: size.ws_col)
    }

    /// The corresponding C function is `ioctl` with `TIOCSWINSZ`.
    public func setTerminalSize(_ size: TerminalSize) throws(Errno) {
        var raw = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        try checkDone(unsafe clinux_ioctl_pointer(rawValue, UInt(TIOCSWINSZ), &raw))
    }

    /// Makes this terminal the session's. The corresponding C function is `ioctl` with
    /// `TIOCSCTTY`.
    public func makeControllingTerminal() throws(Errno) {
        try checkDone(clinux_ioctl_int(rawValue, UInt(TIOCSCTTY), 0))
    }

    /// Unlocks a pty and opens its other end, by descriptor and not by name: a name under
    /// `/dev/pts` could be another file by now (CVE-2025-52565).
    ///
    /// The corresponding C function is `ioctl` with `TIOCSPTLCK` and `TIOCGPTPEER`.
    public func openPeer() throws(Errno) -> OwnedDescriptor {
        var unlocked: CInt = 0
        let setLock: UInt = 0x4004_5431  // TIOCSPTLCK
        try checkDone(unsafe clinux_ioctl_pointer(rawValue, setLock, &unlocked))
        let getPeer: UInt = 0x5441  // TIOCGPTPEER
        return try OwnedDescriptor.adopt(
            clinux_ioctl_int(rawValue, getPeer, Int(O_RDWR | O_NOCTTY | O_CLOEXEC)))
    }

    /// The terminal's name in the devpts that it belongs to: `/dev/pts/0`.
    ///
    /// The corresponding C function is `ioctl` with `TIOCGPTN`.
    public func peerName() throws(Errno) -> String {
        var number: CUnsignedInt = 0
        let getNumber: UInt = 0x8004_5430  // TIOCGPTN
        try checkDone(unsafe clinux_ioctl_pointer(rawValue, getNumber, &number))
        return "/dev/pts/\(number)"
    }

    /// A line's end stays one byte. The corresponding C function is `tcsetattr` without `ONLCR`.
    public func keepLineEnds() throws(Errno) {
        var settings = termios()
        try checkDone(unsafe tcgetattr(rawValue, &settings))
        settings.c_oflag &= ~tcflag_t(ONLCR)
        try checkDone(unsafe tcsetattr(rawValue, TCSANOW, &settings))
    }

    /// The group stays as it is. The corresponding C function is `fchown`.
    public func changeOwner(user: UInt32) throws(Errno) {
        try checkDone(fchown(rawValue, user, .max))
    }

    /// Makes standard input, output or error of this descriptor. The corresponding C function is
    /// `dup2`.
    public func become(standardStream number: CInt) throws(Errno) {
        _ = try check(Glibc.dup2(rawValue, number))
    }

    /// A read that may find nothing.
    ///
    /// - Returns: The bytes, empty at the end of the file; nil when there is nothing yet.
    public func readSome(_ capacity: Int) throws(Errno) -> [UInt8]? {
        var error: CInt = 0
        // Not filled before: pages that are not read into take no memory.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let got = unsafe Glibc.read(rawValue, buffer.baseAddress, capacity)
            error = got < 0 ? errno : 0
            count = max(got, 0)
        }
        if error == 0 { return bytes }
        if error == EAGAIN || error == EINTR { return nil }
        throw Errno(rawValue: error)
    }

    /// One message of a part of `bytes` through this socket; 0 when nothing fits just now, whether
    /// it blocks or not. A reader that is gone ends this process, as with `writeSome`.
    ///
    /// The corresponding C function is `send` with `MSG_DONTWAIT`.
    public func sendSome(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(rawValue, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
        }
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return 0 }
            throw Errno(rawValue: errno)
        }
        return count
    }

    /// One write of a part of `bytes`; 0 when nothing fits just now.
    public func writeSome(_ bytes: ArraySlice<UInt8>) throws(Errno) -> Int {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(rawValue, $0.baseAddress, $0.count)
        }
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return 0 }
            throw Errno(rawValue: errno)
        }
        return count
    }
}

extension FileDescriptor {
    /// The corresponding C function is `fcntl` with `O_NONBLOCK`.
    public func setNonBlocking() throws(Errno) {
        let flags = try check(fcntl(rawValue, F_GETFL))
        try checkDone(fcntl(rawValue, F_SETFL, flags | O_NONBLOCK))
    }
}
