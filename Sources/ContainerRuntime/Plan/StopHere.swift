internal import LinuxSystem
internal import SystemPackage

/// `--stop-at`: the start waits for a key at the terminal.
///
/// A step of the runtime process's. Behind the one that makes the init process it is a turn that
/// this one waits for, as for any other.
struct StopHere: RuntimeStep {
    static let manual = StepManual(
        "stop",
        what: "The start waits for an answer at the terminal.",
        why: "Where --stop-at says, before the step that is named.",
        calls: "openat, write, ppoll, read")

    /// Of the step that would be next, as the plan numbers it without this one.
    let number: Int
    let next: PlannedStep
    /// For the command `step`: what the prompt can tell.
    var prompt: StepPrompt?

    var summary: String { "stop before step \(number)" }

    func apply(_ context: RuntimeContext) throws(Failure) {
        if context.stopsNoMore { return }
        let terminal: OwnedDescriptor
        do {
            terminal = try HostPath.open("/dev/tty", .readWrite)
        } catch {
            throw Failure(
                "there is no terminal to wait at (/dev/tty: \(error.words)); run it from one")
        }
        var changed = ""
        if let prompt {
            changed = prompt.changed(context, before: number)
            try write(prompt.screen, on: terminal.borrowed)
        } else {
            try show(context, on: terminal.borrowed)
        }
        while true {
            let line = try answer(terminal.borrowed)
            switch StepPrompt.Word(line, hasPrompt: prompt != nil) {
            case .next: return
            case .all:
                context.stopsNoMore = true
                return
            case .end: throw Failure("ended there, as asked", .stopped)
            case .shell:
                try StepPrompt.shell(in: context.initProcess, at: terminal.borrowed)
                try write(prompt?.question ?? "", on: terminal.borrowed)
            case .tell(let word):
                let words = prompt?.answer(to: word, changed: changed) ?? ""
                try write(words + (prompt?.question ?? ""), on: terminal.borrowed)
            }
        }
    }

    private func write(_ text: String, on terminal: FileDescriptor) throws(Failure) {
        try attempt("write", on: "/dev/tty", try terminal.write(all: Array(text.utf8)))
    }

    private func show(
        _ context: RuntimeContext, on terminal: FileDescriptor
    ) throws(Failure) {
        var text = "stopped before step \(number), \(next.side.rawValue): \(next.step.summary)\n"
        if let pid = context.initProcess?.pid {
            text += "  init process \(pid): \(StopHere.namespaces(of: pid))\n"
            // nsenter(1) --mount would execute a program of the image with the caller's rights.
            text += "  look at its files in /proc/\(pid)/root, with programs of the host, and at"
            text += " /proc/\(pid)/; \"vfs-run step\" has a shell for its namespaces\n"
        } else {
            text += "  runtime process \(CurrentProcess.pid); there is no init process yet\n"
        }
        text += "Enter: next step; c and Enter: continue to the end; q and Enter: quit: "
        try write(text, on: terminal)
    }

    /// Those that differ from the runtime's own: `mnt:[4026532512]`.
    static func namespaces(of pid: Int32) -> String {
        let own = NamespaceKind.all.map(\.file).sorted().compactMap { kind -> String? in
            let name = try? HostPath.linkTarget("/proc/\(pid)/ns/\(kind)")
            let here = try? HostPath.linkTarget("/proc/self/ns/\(kind)")
            return name == here ? nil : name
        }
        return own.isEmpty ? "in no namespace of its own" : own.joined(separator: " ")
    }

    /// A line; a terminal in raw mode ends it by a carriage return, and sends Ctrl-C as a byte.
    ///
    /// - Returns: Nil at the terminal's end and for Ctrl-C.
    private func answer(_ terminal: FileDescriptor) throws(Failure) -> String? {
        var line: [UInt8] = []
        while true {
            if let signal = Signal.forwarded.first(where: Signal.isPending) {
                var failure = Failure("ended there by signal \(signal)", .interrupted)
                failure.signal = signal
                throw failure
            }
            guard let bytes = try read(terminal), !bytes.contains(3), !bytes.contains(4) else {
                return nil
            }
            line += bytes
            guard let end = line.firstIndex(where: { $0 == 0x0a || $0 == 0x0d }) else { continue }
            return String(decoding: line[..<end], as: UTF8.self)
        }
    }
}

extension StopHere {
    /// The bytes typed within a moment, often none; nil at the terminal's end. Signals are blocked
    /// by now: they are looked for between two waits.
    private func read(_ terminal: FileDescriptor) throws(Failure) -> [UInt8]? {
        func read() throws(Errno) -> [UInt8]? {
            let deadline = Clock.nanoseconds + 100_000_000
            let events = try Poll.wait([(terminal, .readable)], until: deadline)
            if events[0].isEmpty { return [] }
            return try terminal.receiveBytes(256)
        }
        return try attempt("read", on: "/dev/tty", try read())
    }
}
