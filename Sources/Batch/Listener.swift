internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// The socket of `--listen`: for the user that started the batch, and root.
final class Listener {
    private let directory: HeldDescriptor
    private let name: String
    private let socket: OwnedDescriptor
    private let made: FileStatus

    init(_ path: String) throws(Failure) {
        let (folder, last) = HostPath.split(path)
        guard let name = last?.text else {
            throw Failure("--listen: \(path.inQuotes) names no file")
        }
        let directory = HeldDescriptor(
            try attempt("open", on: folder, try HostPath.open(folder, [.path, .directory])))
        func listen() throws(Errno) -> OwnedDescriptor {
            do throws(Errno) {
                return try directory.borrowed.listenAtSocket(name)
            } catch {
                guard error == .addressInUse, try Listener.isDead(name, in: directory.borrowed)
                else { throw error }
                try directory.borrowed.remove(name)
                return try directory.borrowed.listenAtSocket(name)
            }
        }
        socket = try attempt(
            "bind", on: path,
            advice: {
                $0 == .addressInUse ? "another process listens there, or it is no socket" : nil
            }, try listen())
        made = try attempt("stat", on: path, try FileStatus.of(name, in: directory.borrowed))
        self.directory = directory
        self.name = name
    }

    /// A socket that a batch has left which was killed.
    private static func isDead(
        _ name: String, in directory: FileDescriptor
    ) throws(Errno) -> Bool {
        if try FileStatus.of(name, in: directory).kind != .socket { return false }
        do throws(Errno) {
            _ = try directory.connectSocket(name)
            return false
        } catch {
            return error == .connectionRefused
        }
    }

    var borrowed: FileDescriptor { socket.borrowed }

    /// The next connection of a user who may; others are closed.
    func accept() throws(Errno) -> OwnedDescriptor? {
        while let connection = try socket.borrowed.acceptConnection() {
            if isServed(try connection.borrowed.peer()) { return connection }
        }
        return nil
    }

    /// A job of an ordinary user may have that user's id: it is in another user namespace.
    private func isServed(_ peer: (user: UInt32, process: Int32)) -> Bool {
        if peer.user == 0 { return true }
        guard peer.user == Credentials.effectiveUser,
            let own = try? FileStatus.of(path: "/proc/self/ns/user"),
            let other = try? FileStatus.of(path: "/proc/\(peer.process)/ns/user")
        else { return false }
        return other.isSame(as: own)
    }

    /// Removes the socket, unless another one has taken its name.
    func close() {
        do throws(Errno) {
            if try FileStatus.of(name, in: directory.borrowed).isSame(as: made) {
                try directory.borrowed.remove(name)
            }
        } catch {
            // It is gone.
        }
    }
}
