internal import LinuxSystem
internal import SystemPackage

/// The time between the making of the init process and its end: one thread, one `poll`.
struct ForegroundSession: ~Copyable {
    /// How it ended.
    enum Ending {
        case exited(CInt)
        case signaled(CInt)
        /// A step of the init process failed.
        case failed(step: Int, exitCode: CInt?, message: String)
        /// A signal ended the init process before the program ran.
        case diedEarly(CInt)
        /// The runtime cannot follow the container any more.
        case lost(SystemCallError)
    }

    private let child: ChildProcess
    private let signals: SignalQueue
    /// What the watchdog watches: this process.
    private let lifeline: OwnedDescriptor
    private let watchdog: Int32
    private let ownsProcessNamespace: Bool
    private let settings: TerminalSettings?
    private var channel: Channel?
    private var proxy: TerminalProxy?
    private var failure: Ending?
    /// A signal that the kernel would have dropped and the runtime has carried out.
    private var endedBy: CInt?

    init(
        child: consuming ChildProcess, channel: consuming Channel,
        signals: consuming SignalQueue, lifeline: consuming OwnedDescriptor,
        terminal: TerminalSettings?, watchdog: Int32, ownsProcessNamespace: Bool
    ) {
        self.child = child
        self.channel = consume channel
        self.signals = signals
        settings = terminal
        self.lifeline = lifeline
        self.watchdog = watchdog
        self.ownsProcessNamespace = ownsProcessNamespace
    }

    /// Returns when the init process has ended and the terminal is as it was.
    mutating func runToEnd() -> Ending {
        var started = false
        do throws(SystemCallError) {
            while try handleEvents() {
                if channel == nil { started = true }
            }
            // What the program wrote last is still in the pty.
            try proxy?.drain()
        } catch {
            failure = failure ?? .lost(error)
            try? child.send(signal: Signal.kill)
        }
        proxy?.restore()
        let ended: ChildProcess.Ending
        do {
            ended = try child.wait()
        } catch {
            return .lost(SystemCallError("waitid", "", error))
        }
        // Waited for, so that it is no zombie of whoever adopts it; it has nothing to do any more.
        try? CurrentProcess.stopWatchdog(watchdog)
        if let failure { return failure }
        if let endedBy { return .signaled(endedBy) }
        switch ended {
        case .exited(let code): return .exited(code)
        case .signaled(let signal): return started ? .signaled(signal) : .diedEarly(signal)
        }
    }

    /// Waits once; false when the init process has ended and said all it had to say.
    private mutating func handleEvents() throws(SystemCallError) -> Bool {
        let watched = proxy?.watched ?? TerminalProxy.nothing
        let waitsForWords = channel != nil
        let channelDescriptor = channel?.borrowed
        let events = try attempt("poll") { () throws(Errno) in
            try Poll.wait([
                (channelDescriptor, .readable), (signals.borrowed, .readable),
                (waitsForWords ? nil : child.borrowed, .readable), watched.input, watched.output,
            ])
        }
        if !events[0].isEmpty { try receive() }
        if !events[1].isEmpty { try forwardSignals() }
        try proxy?.handle(input: events[3], output: events[4])
        return events[2].isEmpty
    }

    /// One message of the init process; its end of the channel closes when the program runs, or
    /// when it dies.
    private mutating func receive() throws(SystemCallError) {
        guard let current = channel.take() else { return }
        let message = try attempt("recvmsg") { () throws(Errno) in try current.receive() }
        guard let message else { return }
        channel = consume current
        switch InitMessage(message.bytes) {
        case .terminal:
            guard let multiplexer = message.takeDescriptor() else { return }
            proxy = try TerminalProxy(multiplexer, settings: settings)
        case .failed(let step, let exitCode, let text):
            failure = .failed(step: step, exitCode: exitCode, message: text)
        case nil:
            failure = .failed(
                step: -1, exitCode: nil, message: "the init process sent an unknown message")
        }
    }

    private mutating func forwardSignals() throws(SystemCallError) {
        while let signal = try attempt(
            "read", "signalfd",
            { () throws(Errno) in
                try signals.next()
            })
        {
            if signal == Signal.windowChange {
                try proxy?.copySize()
                continue
            }
            // The first process of a pid namespace gets no signal that it has no handler for
            // (pid_namespaces(7)). Somebody who presses Ctrl-C means the container to end. Looked
            // at before it is sent: one that waits for it in sigwait(3) has then not moved.
            let isDropped =
                ownsProcessNamespace && child.drops(signal)
            try? child.send(signal: signal)
            if isDropped {
                endedBy = signal
                try? child.send(signal: Signal.kill)
            }
        }
    }
}

extension ChildProcess {
    /// Whether the kernel drops `signal`, since the process leaves it at its default action.
    ///
    /// While a process waits in sigwait(3), as tini and dumb-init do, the set it waits for does
    /// not count as blocked in its status, and yet the kernel delivers it. The two are not read at
    /// one moment, and another signal may wake it in between (a terminal's new size, as a rule):
    /// only what holds many times over is believed.
    fileprivate borrowing func drops(_ signal: CInt) -> Bool {
        for _ in 0..<32 {
            if !leavesAtDefault(signal) || isWaitingForSignals { return false }
        }
        return true
    }

    /// Whether the main thread is in rt_sigtimedwait(2).
    private var isWaitingForSignals: Bool {
        #if arch(x86_64)
            let number = "128"
        #else
            let number = "137"
        #endif
        guard let bytes = try? HostPath.read("/proc/\(pid)/syscall") else { return false }
        return String(decoding: bytes.prefix { $0 != 0x20 }, as: UTF8.self) == number
    }

    private borrowing func leavesAtDefault(_ signal: CInt) -> Bool {
        guard let bytes = try? HostPath.read("/proc/\(pid)/status") else { return false }
        let mask = UInt64(1) << UInt64(signal - 1)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            for field in ["SigBlk:", "SigIgn:", "SigCgt:"] where line.hasPrefix(field) {
                let digits = line.dropFirst(field.count).drop { $0 == "\t" || $0 == " " }
                if let set = UInt64(digits, radix: 16), set & mask != 0 { return false }
            }
        }
        return true
    }
}
