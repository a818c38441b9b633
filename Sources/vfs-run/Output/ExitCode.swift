internal import LinuxSystem

extension Failure {
    /// The exit code of an error of the runtime in the one-shot form, as Docker and podman have it.
    static let ofRuntime: CInt = 125

    /// The exit code of the program.
    ///
    /// - Parameter code: The command's code of a failure. The one-shot form tells, as a shell does,
    ///   why the program was not executed; the OCI commands have runc's one code.
    func exitCode(_ code: CInt) -> CInt {
        switch kind {
        case .interrupted: 128 + signal
        case .programNotFound where code == Failure.ofRuntime: 127
        case .programNotExecutable where code == Failure.ofRuntime: 126
        case .stopped: 130
        case .outOfMemory where code == Failure.ofRuntime: 128 + Signal.kill
        default: code
        }
    }
}
