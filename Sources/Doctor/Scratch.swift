internal import LinuxSystem
internal import SystemPackage

/// The directory that a probe makes in the examined one. Its name has the
/// number of this process in it.
enum Scratch {
    /// Makes the directory.
    static func make(_ subject: Subject) throws(Failure) -> OwnedDescriptor {
        let place = try open(subject)
        do throws(Errno) {
            try place.borrowed.makeDirectory(subject.scratchName, mode: 0o700)
            return try place.borrowed.open(subject.scratchName, [.readOnly, .directory])
        } catch {
            throw .untried(
                "no directory can be made in \(subject.directory.inQuotes): \(error.words)")
        }
    }

    private static func open(_ subject: Subject) throws(Failure) -> OwnedDescriptor {
        do throws(Errno) {
            return try HostPath.open(subject.directory, [.readOnly, .directory])
        } catch {
            throw .untried("open \(subject.directory.inQuotes): \(error.words)")
        }
    }

    /// Removes what a probe has left, however it ended. Nothing here is an error: what cannot be
    /// removed is not ours.
    static func remove(_ subject: Subject) {
        guard let place = try? open(subject), let name = FileName(subject.scratchName) else {
            return
        }
        try? place.borrowed.removeTree(name)
    }
}
