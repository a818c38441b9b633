internal import LinuxSystem
internal import SystemPackage

/// Passes bytes between the caller's terminal and the container's.
struct TerminalProxy: ~Copyable {
    typealias Watched = (
        input: (descriptor: FileDescriptor?, events: Poll.Events),
        output: (descriptor: FileDescriptor?, events: Poll.Events)
    )

    static let nothing: Watched = ((nil, []), (nil, []))
    private static let chunk = 16384

    private let multiplexer: OwnedDescriptor
    private let settings: TerminalSettings?
    /// Typed and not yet taken by the container.
    private var pending: ArraySlice<UInt8> = []
    private var inputIsOpen = true
    private var outputIsOpen = true

    /// Puts the caller's terminal into raw mode and gives the container its size.
    init(
        _ multiplexer: consuming OwnedDescriptor, settings: TerminalSettings?
    ) throws(SystemCallError) {
        self.multiplexer = multiplexer
        self.settings = settings
        let far = self.multiplexer.borrowed
        try attempt("fcntl", "O_NONBLOCK") { () throws(Errno) in try far.setNonBlocking() }
        try copySize()
        try attempt("tcsetattr") { () throws(Errno) in try settings?.makeRaw() }
    }

    /// What to wait for: input only while there is room for it.
    var watched: Watched {
        let far = multiplexer.borrowed
        let wanted: Poll.Events = pending.isEmpty ? .readable : [.readable, .writable]
        return (
            (inputIsOpen && pending.isEmpty ? .standardInput : nil, .readable),
            (outputIsOpen ? far : nil, wanted)
        )
    }

    mutating func handle(input: Poll.Events, output: Poll.Events) throws(SystemCallError) {
        if !input.isEmpty { try readInput() }
        if !pending.isEmpty { try writePending() }
        if !output.isDisjoint(with: [.readable, .closed]) { _ = try passOutput() }
    }

    /// The caller's terminal has a new size. The kernel sends the container SIGWINCH. One that
    /// does not know its size, such as a serial line, leaves that of the config.
    func copySize() throws(SystemCallError) {
        guard let settings else { return }
        try attempt("ioctl", "TIOCSWINSZ") { () throws(Errno) in
            let size = try settings.descriptor.terminalSize()
            if size.rows == 0 && size.columns == 0 { return }
            try multiplexer.borrowed.setTerminalSize(size)
        }
    }

    /// Passes on what is still in the terminal when the container has ended.
    mutating func drain() throws(SystemCallError) {
        while outputIsOpen, try passOutput() {}
    }

    func restore() {
        // A terminal that has been hung up needs nothing.
        try? settings?.restore()
    }

    /// A terminal that was hung up, or that the last process has closed, says EIO: its end.
    private static func read(_ terminal: FileDescriptor) throws(Errno) -> [UInt8]? {
        do {
            return try terminal.readSome(chunk)
        } catch .ioError {
            return []
        }
    }

    private mutating func readInput() throws(SystemCallError) {
        let bytes = try attempt("read", "standard input") { () throws(Errno) in
            try TerminalProxy.read(.standardInput)
        }
        guard let bytes else { return }
        inputIsOpen = !bytes.isEmpty
        pending = bytes[...]
    }

    private mutating func writePending() throws(SystemCallError) {
        let rest = pending
        let count = try attempt("write", "to the terminal") { () throws(Errno) in
            try multiplexer.borrowed.writeSome(rest)
        }
        pending = pending.dropFirst(count)
    }

    /// False when there is nothing to pass on just now.
    private mutating func passOutput() throws(SystemCallError) -> Bool {
        let bytes = try attempt("read", "from the terminal") { () throws(Errno) in
            try TerminalProxy.read(multiplexer.borrowed)
        }
        guard let bytes else { return false }
        if bytes.isEmpty {
            outputIsOpen = false
            return false
        }
        try attempt("write", "standard output") { () throws(Errno) in
            try FileDescriptor.standardOutput.write(all: bytes)
        }
        return true
    }
}
