internal import LinuxSystem
internal import SystemPackage

/// The standard streams of a program with another user. A terminal of the container's own is the
/// user's from the start.
struct GiveStreams: ContainerStep {
    static let manual = StepManual(
        "give the standard streams",
        what: """
            Gives pipes and sockets without a name among the standard streams to the program's \
            user, so that it can open /dev/stdout. A file that has a name on the host keeps its \
            owner.
            """,
        why: """
            Only for named containers and exec. Before the change of user: an unprivileged user \
            may not change the owner.
            """,
        calls: "fstat, fstatfs, fchown")

    let userID: UInt32

    var summary: String { "give pipes and sockets among the standard streams to user \(userID)" }
    let undoing = "they stay the user's"

    func apply(_ context: ContainerContext) throws(Failure) {
        for number in 0..<3 as Range<CInt> {
            do throws(Errno) {
                try give(FileDescriptor(rawValue: number))
            } catch .badFileDescriptor {
                // Closed.
            } catch .notPermitted, .readOnlyFileSystem, .invalidArgument {
                // It belongs to another user, or the user is not mapped here: then it can only be used
                // as it is, as runc has it.
            } catch {
                throw Failure("fchown", "of standard stream \(number)", error)
            }
        }
    }

    private func give(_ stream: FileDescriptor) throws(Errno) {
        let status = try FileStatus.of(stream)
        if status.userID == userID { return }
        switch status.kind {
        case .fifo where try FileSystemMagic.of(stream) == .pipes, .socket:
            try stream.changeOwner(user: userID)
        default: break
        }
    }
}
