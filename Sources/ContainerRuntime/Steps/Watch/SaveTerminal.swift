internal import LinuxSystem

/// The settings that the caller's terminal gets back in the end, by the watchdog if need be, and the
/// size that the container's terminal has before the program can ask.
struct SaveTerminal: RuntimeStep {
    static let manual = StepManual(
        "save the terminal's settings",
        what: """
            Reads the settings and the size of the first standard stream that is a terminal. The runtime \
            process puts them back at the end, also where the program has had the terminal itself.
            """,
        why: "Before the watchdog starts, which puts them back when the runtime process is killed.",
        calls: "ioctl")

    let summary = "save the settings of the caller's terminal"

    func apply(_ context: RuntimeContext) throws(Failure) {
        context.terminal = TerminalSettings.ofCaller()
        // A serial line does not know its size: that of the config stays.
        guard let size = try? context.terminal?.descriptor.terminalSize() else { return }
        if size.rows > 0 || size.columns > 0 { context.handover.callerSize = size }
    }
}
