internal import LinuxSystem
internal import SystemPackage

/// RLIMIT_NPROC counts the processes of the program's user.
struct LiftProcessLimit: ContainerStep {
    static let manual = StepManual(
        "lift the process limit",
        what: """
            Lifts RLIMIT_NPROC while the process makes its copy in the pid namespace: for a moment \
            the user has one process more.
            """,
        why: "Before the user changes, who may raise nothing.",
        calls: "prlimit64")

    let summary = "lift the limit of processes while the process is made"
    var gives: Provisions { [.processLimit] }

    func apply(_ context: ContainerContext) throws(Failure) {
        context.processLimit = try attempt(
            "prlimit", "RLIMIT_NPROC", try CurrentProcess.limit(.processes))
        do throws(Errno) {
            try CurrentProcess.setLimit(.processes, soft: .max, hard: .max)
        } catch .notPermitted {
            // Then it counts both.
        } catch {
            throw Failure("prlimit", "RLIMIT_NPROC", error)
        }
    }
}
