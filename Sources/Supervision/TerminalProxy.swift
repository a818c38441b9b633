internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Passes bytes between the caller's terminal and the container's. Nothing in it waits: a
/// side that does not read holds up only its own bytes.
struct TerminalProxy: ~Copyable {
    typealias Watched = (descriptor: FileDescriptor?, events: Poll.Events)

    /// As many as `watched` has, without a terminal.
    static let nothing: [Watched] = [(nil, []), (nil, []), (nil, [])]
    private static let chunk = 16384

    private let multiplexer: OwnedDescriptor
    private let settings: TerminalSettings?
    private let screen: CallerStream
    private let count: OutputCount
    /// The container's end, kept open here too: otherwise the last process to close it would hang
    /// the terminal up for the next process that opens it.
    private var peer: OwnedDescriptor?
    /// Typed and not yet taken by the container.
    private var typed: ArraySlice<UInt8> = []
    /// Written by the container and not yet taken by the caller.
    private var written: ArraySlice<UInt8> = []
    private var inputIsOpen = true
    private var outputIsOpen = true
    /// How much is read once the container has ended: more than a terminal holds. Processes that are not
    /// the container's may go on writing.
    private var rest = 1 << 18

    /// Gives the container's terminal its size and, when it is what the caller types on, puts the
    /// caller's into raw mode.
    init(
        _ multiplexer: consuming OwnedDescriptor, settings: TerminalSettings?,
        _ count: OutputCount
    ) throws(Failure) {
        self.count = count
        count.begin(.output)
        self.multiplexer = multiplexer
        self.settings = settings
        screen = CallerStream(.standardOutput)
        let far = self.multiplexer.borrowed
        try attempt("fcntl", "O_NONBLOCK", try far.setNonBlocking())
        peer = try attempt("ioctl", "TIOCGPTPEER", try far.openPeer())
        try copySize()
        // Where input comes from elsewhere, its keys are still signals.
        if settings?.descriptor == .standardInput {
            try attempt("tcsetattr", try settings?.makeRaw())
        }
    }

    /// Standard input, the container's terminal, standard output: each only while there is room
    /// for what comes from it, or something to write.
    var watched: [Watched] {
        var wanted: Poll.Events = []
        if written.isEmpty { wanted.insert(.readable) }
        if !typed.isEmpty { wanted.insert(.writable) }
        return [
            (inputIsOpen && typed.isEmpty ? .standardInput : nil, .readable),
            (outputIsOpen && !wanted.isEmpty ? multiplexer.borrowed : nil, wanted),
            (written.isEmpty ? nil : screen.borrowed, .writable),
        ]
    }

    mutating func handle(_ events: ArraySlice<Poll.Events>) throws(Failure) {
        let (input, terminal, output) = (
            events[events.startIndex], events[events.startIndex + 1], events[events.startIndex + 2]
        )
        if !input.isEmpty { try readInput() }
        if !typed.isEmpty { try passInput() }
        if !terminal.isDisjoint(with: .closed) { reopen() }
        if !terminal.isDisjoint(with: [.readable, .closed]), written.isEmpty {
            _ = try readOutput()
            if !written.isEmpty && screen.neverWaits { try passOutput() }
        }
        if !output.isEmpty { try passOutput() }
    }

    /// The caller's terminal has a new size. The kernel sends the container SIGWINCH. One that
    /// does not know its size, such as a serial line, leaves that of the config.
    func copySize() throws(Failure) {
        guard let settings else { return }
        try attempt("ioctl", "TIOCSWINSZ") { () throws(Errno) in
            let size = try settings.descriptor.terminalSize()
            if size.rows == 0 && size.columns == 0 { return }
            try multiplexer.borrowed.setTerminalSize(size)
        }
    }

    /// When the container has ended: passes on what is left of its output as far as that can be
    /// done now.
    ///
    /// - Returns: What has to become writable for the rest; nil when nothing is left.
    mutating func drain() throws(Failure) -> FileDescriptor? {
        peer = nil
        while true {
            if written.isEmpty {
                guard rest > 0, try readOutput() else { return nil }
                rest -= written.count
            }
            if !screen.neverWaits, try !isWritable() { return screen.borrowed }
            try passOutput()
            if !written.isEmpty { return screen.borrowed }
        }
    }

    func restore() {
        // A terminal that has been hung up needs nothing.
        try? settings?.restore()
    }

    /// The end of a session in the container hangs the terminal up for everybody who has it open;
    /// the container's own end is seen elsewhere.
    private mutating func reopen() {
        let far = multiplexer.borrowed
        if let opened = try? far.openPeer() {
            peer = consume opened
        } else {
            outputIsOpen = false
        }
    }

    private mutating func readInput() throws(Failure) {
        let bytes = try attempt("read", "standard input") { () throws(Errno) in
            do throws(Errno) {
                return try FileDescriptor.standardInput.readSome(TerminalProxy.chunk)
            } catch .ioError, .badFileDescriptor, .isDirectory {
                // A terminal that was hung up; nothing that could be read from in the first place.
                return []
            }
        }
        guard let bytes else { return }
        inputIsOpen = !bytes.isEmpty
        typed = bytes[...]
    }

    private mutating func passInput() throws(Failure) {
        let rest = typed
        let count = try attempt("write", "to the terminal") { () throws(Errno) in
            do throws(Errno) {
                return try multiplexer.borrowed.writeSome(rest)
            } catch .ioError {
                // Hung up just now.
                return 0
            }
        }
        typed = typed.dropFirst(count)
    }

    /// False when there is nothing just now.
    private mutating func readOutput() throws(Failure) -> Bool {
        let bytes = try attempt("read", "from the terminal") { () throws(Errno) in
            do throws(Errno) {
                return try multiplexer.borrowed.readSome(TerminalProxy.chunk)
            } catch .ioError {
                // Nobody has it open: all has been read.
                return nil
            }
        }
        written = count.take(bytes ?? [], from: .output)
        return !written.isEmpty
    }

    private func isWritable() throws(Failure) -> Bool {
        try attempt("poll", try screen.isWritable())
    }

    private mutating func passOutput() throws(Failure) {
        let rest = written
        let count = try attempt("write", "standard output", try screen.write(rest))
        written = written.dropFirst(count)
    }
}
