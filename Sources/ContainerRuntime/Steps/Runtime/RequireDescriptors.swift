internal import LinuxSystem
internal import SystemPackage

/// `LISTEN_FDS`, `--preserve-fds`
struct RequireDescriptors: RuntimeStep {
    static let manual = StepManual(
        "require descriptors",
        what: "Looks whether the descriptors that the caller passes on are open.",
        why: """
            Before anything is made. A number that is free now could become one of the runtime \
            process's own descriptors.
            """,
        calls: "fcntl")

    /// How many, from 3 on, by `LISTEN_FDS` and by `--preserve-fds`.
    let listening: Int
    let preserved: Int

    var summary: String { "pass on the descriptors 3 to \(2 + listening + preserved)" }
    let undoing = "they are the caller's"

    func apply(_ context: RuntimeContext) throws(Failure) {
        for number in 3..<3 + listening + preserved
        where !FileDescriptor(rawValue: CInt(number)).isInherited {
            if number < 3 + listening {
                throw Failure(
                    "LISTEN_FDS is \(listening), but descriptor \(number) is not open")
            }
            throw Failure(
                "unable to stat preserved-fd \(number) (of \(preserved)):"
                    + " descriptor \(number) is not open; leave it open, or ask for fewer by"
                    + " --preserve-fds")
        }
    }
}
