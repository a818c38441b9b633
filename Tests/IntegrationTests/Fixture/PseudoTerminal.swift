import Glibc

/// The far end of a terminal: the test is the person in front of it.
final class PseudoTerminal {
    let name: String
    private let descriptor: CInt
    private(set) var shown: [UInt8] = []
    private var taken = 0

    init(rows: UInt16 = 24, columns: UInt16 = 80) throws {
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var number: CInt = 0
        var locked: CInt = 0
        guard descriptor >= 0, ioctl(descriptor, PseudoTerminal.getNumber, &number) == 0,
            ioctl(descriptor, PseudoTerminal.setLock, &locked) == 0
        else { throw Failure("no pseudoterminal") }
        name = "/dev/pts/\(number)"
        resize(rows: rows, columns: columns)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    /// One that somebody else has made.
    init(adopting descriptor: CInt, name: String) {
        self.descriptor = descriptor
        self.name = name
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    /// `TIOCGPTN` and `TIOCSPTLCK`, which are macros that Swift does not see.
    private static let getNumber: UInt = 0x8004_5430
    private static let setLock: UInt = 0x4004_5431

    deinit { close(descriptor) }

    /// The kernel tells the foreground processes with SIGWINCH.
    func resize(rows: UInt16, columns: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    /// Of the terminal, not of this end: echo, line by line, signals by keys, output processing.
    var settings: [UInt32] {
        var found = termios()
        tcgetattr(descriptor, &found)
        return [found.c_iflag, found.c_oflag, found.c_cflag, found.c_lflag]
    }

    var isRaw: Bool { settings[3] & UInt32(ICANON | ECHO | ISIG) == 0 }

    /// Reads until `text` has been shown and returns all up to its end, from the last such place.
    @discardableResult
    func waitFor(_ text: String, seconds: Double = 10) throws -> String {
        let deadline = Deadline(seconds)
        let wanted = Array(text.utf8)
        while true {
            if let end = shown[taken...].firstRange(of: wanted)?.upperBound {
                defer { taken = end }
                return String(decoding: shown[taken..<end], as: UTF8.self)
            }
            try readMore(deadline, waitingFor: text)
        }
    }

    private func readMore(_ deadline: Deadline, waitingFor text: String) throws {
        var polled = pollfd(fd: descriptor, events: CShort(POLLIN), revents: 0)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count =
            poll(&polled, 1, deadline.milliseconds) > 0
            ? Glibc.read(descriptor, &buffer, buffer.count) : 0
        if count <= 0 {
            let sofar = String(decoding: shown, as: UTF8.self)
            throw Failure("the terminal never showed \"\(text)\", only \"\(sofar)\"")
        }
        shown += buffer[..<count]
    }
}
