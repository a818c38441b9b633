internal import LinuxSystem
package import SystemPackage

/// The socket in the container at which the program says that it is ready (sd_notify(3)), bound and
/// not yet read.
package final class ReadinessSocket {
    /// Where the socket is: in the container's state, mounted at `destination`.
    static let directory = "notify"
    static let name = "notify.sock"
    static let destination = "/run/notify"

    private let socket: HeldDescriptor
    /// The caller's `NOTIFY_SOCKET`.
    package let host: String

    package var borrowed: FileDescriptor { socket.borrowed }

    /// - Parameter folder: The directory that the container sees.
    init(in folder: FileDescriptor, host: String) throws(Errno) {
        // Every user in the container may send.
        Credentials.setFileModeMask(0)
        do throws(Errno) {
            try folder.remove(ReadinessSocket.name)
        } catch .noSuchFileOrDirectory {
            // The first one.
        }
        socket = HeldDescriptor(try folder.bindDatagramSocket(ReadinessSocket.name))
        self.host = host
    }
}

extension StoredContainer {
    /// Binds the socket of a container that was created to have one; nil for another one.
    func bindReadiness(_ host: String?) throws(Failure) -> ReadinessSocket? {
        guard let host else { return nil }
        do throws(Errno) {
            let folder = try directory.borrowed.open(
                ReadinessSocket.directory, [.readOnly, .directory])
            return try ReadinessSocket(in: folder.borrowed, host: host)
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw Failure(
                "the socket for NOTIFY_SOCKET cannot be made in \(store.directory(id)):"
                    + " \(error.words)")
        }
    }
}

/// A program that runs and has still to say that it is ready.
package struct AwaitedReadiness {
    package let socket: ReadinessSocket
    package let pid: Int32
    let process: HeldDescriptor

    /// Of the program's process.
    package var pidfd: FileDescriptor { process.borrowed }
}
