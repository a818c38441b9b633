internal import LinuxSystem
internal import SystemPackage

/// Standard streams that are the host's `/dev/null`.
struct ReopenNullStreams: ContainerStep {
    static let manual = StepManual(
        "reopen null streams",
        what: """
            Puts the container's own /dev/null in the place of the host's among the standard \
            streams. One that is missing, or not device 1:3, changes nothing.
            """,
        why: """
            Only for named containers. After the devices are made, and before the change of user. \
            A file of a mount that the container does not have cannot be saved by a checkpoint.
            """,
        calls: "fstat, openat2, dup2")

    let summary = "open /dev/null of the container in the place of the host's"
    var needs: Provisions { [.root] }

    func apply(_ context: ContainerContext) throws(Failure) {
        for number in 0..<3 as Range<CInt> {
            let stream = FileDescriptor(rawValue: number)
            guard let status = try? FileStatus.of(stream), status.kind == .characterDevice,
                status.deviceNumber == .null
            else { continue }
            // What the image has there may be anything, and is not opened: then the host's stays.
            guard let place = try? context.place("/dev/null"),
                let found = try? place.open([.path, .noFollow], links: .refuse),
                let status = try? FileStatus.of(found.borrowed), status.kind == .characterDevice,
                status.deviceNumber == .null
            else { return }
            let proc = try context.openPrivateProc()
            let opened = try attempt(
                "openat", on: "/dev/null",
                try found.borrowed.reopenAtRest(
                    through: proc.directory.borrowed, .readWrite, pageMap: nil))
            try attempt("dup2", try opened.borrowed.become(standardStream: number))
        }
    }
}
