package import LinuxSystem

extension Failure {
    /// A signal has ended the start; nothing is left of it.
    package static func ended(by signal: CInt) -> Failure {
        var error = Failure(
            "signal \(signal) (\(Signal.words(signal))) ended the start; nothing is left of it",
            .interrupted)
        error.signal = signal
        return error
    }
}
