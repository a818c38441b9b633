internal import Cgroups
internal import LinuxSystem
internal import SystemPackage

/// Room in the control group for a process that joins a container at its limit of processes.
///
/// The limit is raised by two at most, whatever the container does with them: a file beside the state has
/// the limit that counts. Who needs the room holds a shared lock on that file. The last one sets the limit
/// again, and where it was killed the next `exec` or `update` does.
extension StoredContainer {
    private static let roomName = "room"
    /// The process that joins, and the one that it makes.
    private static let places: Int64 = 2

    private func openRoom(_ flags: OpenFlags) throws(Errno) -> HeldDescriptor {
        HeldDescriptor(
            try directory.borrowed.open(
                StoredContainer.roomName, flags.union(.readWrite), mode: 0o600))
    }

    /// - Returns: What has to be given back; nil where there is room anyway, or where the container has
    ///   used up what others were given.
    func takeRoom(in group: ControlGroup) throws(Failure) -> HeldDescriptor? {
        try lock()
        defer { unlock() }
        let file = try attempt("open", on: StoredContainer.roomName, try openRoom(.create))
        try settle(file, group, evenIfUsed: false)
        if try limit(in: file) == nil {
            guard let limit = group.limit(withoutRoomFor: StoredContainer.places) else {
                return nil
            }
            // Written down before it is raised.
            try write(String(limit), to: file)
            try group.setProcessLimit(limit + StoredContainer.places)
        }
        try attempt("flock", on: StoredContainer.roomName, try file.borrowed.lock(exclusive: false))
        return file
    }

    func giveBack(_ room: HeldDescriptor, in group: ControlGroup) throws(Failure) {
        do throws(Failure) {
            try lock()
        } catch {
            // Without the lock another exec may be left without room; the limit is set all the same.
            return try settle(room, group, evenIfUsed: false)
        }
        defer { unlock() }
        try settle(room, group, evenIfUsed: false)
    }

    /// For an `update`, with the lock held.
    func endRoom(in group: ControlGroup) throws(Failure) {
        let file: HeldDescriptor
        do throws(Errno) {
            file = try openRoom([])
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw Failure("open", StoredContainer.roomName.inQuotes, error)
        }
        try settle(file, group, evenIfUsed: true)
    }

    /// Sets the limit that counts, unless others need the room.
    private func settle(
        _ file: HeldDescriptor, _ group: ControlGroup, evenIfUsed: Bool
    ) throws(Failure) {
        guard let limit = try limit(in: file) else { return }
        do throws(Errno) {
            try file.borrowed.lock(exclusive: true)
        } catch .wouldBlock where !evenIfUsed {
            return
        } catch .wouldBlock {
        } catch {
            throw Failure("flock", StoredContainer.roomName.inQuotes, error)
        }
        do throws(Failure) {
            try group.setProcessLimit(limit)
        } catch
            where error.errno == .noSuchFileOrDirectory
            || error.errno == .operationNotSupportedByDevice
        {
            // The container has ended meanwhile.
        }
        try write("", to: file)
    }

    private func limit(in file: HeldDescriptor) throws(Failure) -> Int64? {
        let bytes = try attempt(
            "read", on: StoredContainer.roomName, try file.borrowed.readSome(32, at: 0))
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").first.flatMap {
            Int64($0)
        }
    }

    private func write(_ text: String, to file: HeldDescriptor) throws(Failure) {
        func replace() throws(Errno) {
            try file.borrowed.move(to: 0)
            // Always of that size.
            let filling = [UInt8](repeating: UInt8(ascii: " "), count: 24 - text.utf8.count)
            try file.borrowed.write(all: Array(text.utf8) + filling)
        }
        try attempt("write", on: StoredContainer.roomName, try replace())
    }
}
