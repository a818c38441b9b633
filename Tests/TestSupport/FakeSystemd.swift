import DBus
import Glibc
import LinuxSystem
import SystemPackage

/// Plays systemd on a bus of its own: makes the cgroups of units where the kernel has them, and
/// writes down what it is asked. `address` is for DBUS_SYSTEM_BUS_ADDRESS.
public final class FakeSystemd: @unchecked Sendable {
    /// What it does when a unit is to be made.
    public enum Behavior: Sendable {
        case makes
        /// The job ends with this word.
        case ends(String)
        /// An error of this name.
        case refuses(String)
        /// The first time an error of this name.
        case refusesOnce(String)
        /// Nothing.
        case ignores
        case hangsUp
    }

    public struct Call: Sendable {
        public var member: String
        public var body: [DBusValue]

        /// The properties that it carries: the last of a name.
        public var properties: [String: DBusValue] {
            var found: [String: DBusValue] = [:]
            for case .array("(sv)", let pairs) in body {
                for case .structure(let pair) in pairs {
                    if let name = pair[0].text, case .variant(let value) = pair[1] {
                        found[name] = value
                    }
                }
            }
            return found
        }
    }

    public var address: String { "unix:path=" + path }
    private let path: String
    private let behavior: Behavior
    private let hierarchies: [String]
    private var server: SocketServer?
    private var lock = pthread_mutex_t()
    private var written: [Call] = []
    private var units: [String: [String]] = [:]
    private var jobs: UInt32 = 0

    /// - Parameters:
    ///   - directory: For its socket.
    ///   - hierarchies: Where those are mounted that it makes units in.
    public init(
        in directory: String, hierarchies: [String], _ behavior: Behavior = .makes
    ) throws {
        path = directory + "/bus"
        self.behavior = behavior
        self.hierarchies = hierarchies
        pthread_mutex_init(&lock, nil)
        server = try SocketServer(path) { [weak self] in self?.serve($0) }
    }

    public func stop() {
        server?.stop()
        for unit in Array(units.keys) { remove(unit) }
    }

    public var calls: [Call] {
        pthread_mutex_lock(&lock)
        defer { pthread_mutex_unlock(&lock) }
        return written
    }

    /// The names of the units that are there.
    public var unitNames: [String] {
        pthread_mutex_lock(&lock)
        defer { pthread_mutex_unlock(&lock) }
        return units.keys.sorted()
    }

    // MARK: The bus

    private func serve(_ peer: FileDescriptor) {
        var received: [UInt8] = []
        while received.range(of: "BEGIN\r\n") == nil {
            guard let bytes = peer.take() else { return }
            received += bytes
        }
        guard let end = received.range(of: "BEGIN\r\n") else { return }
        received.removeFirst(end)
        peer.put(Array("DATA\r\nOK 00112233445566778899aabbccddeeff\r\n".utf8))
        while true {
            while let size = DBusMessage.count(received), received.count >= size {
                guard let message = try? DBusMessage(received[..<size]) else { return }
                received.removeFirst(size)
                if !answer(message, peer) { return }
            }
            guard let bytes = peer.take() else { return }
            received += bytes
        }
    }

    private func answer(_ question: DBusMessage, _ peer: FileDescriptor) -> Bool {
        let member = question.member ?? ""
        pthread_mutex_lock(&lock)
        written.append(Call(member: member, body: question.body))
        let isFirst = written.filter { $0.member == member }.count == 1
        pthread_mutex_unlock(&lock)
        func send(_ kind: DBusMessage.Kind, _ body: [DBusValue], error: String? = nil) {
            var message = DBusMessage(kind, serial: 1000 + jobs, body: body)
            message.answeredSerial = question.serial
            message.errorName = error
            peer.put(message.encoded)
        }
        func refuse(_ name: String) { send(.error, [.string("as the test wants it")], error: name) }
        let name = question.body.first?.text ?? ""
        switch member {
        case "Hello": send(.answer, [.string(":1.1")])
        case "Get": send(.answer, [.variant(.string("252.39-1"))])
        case "StartTransientUnit":
            switch behavior {
            case .ignores: return true
            case .hangsUp: return false
            case .refuses(let error): refuse(error)
            case .refusesOnce(let error) where isFirst: refuse(error)
            case .ends(let word): finish(send, peer, name, word)
            case .makes, .refusesOnce:
                guard make(name, Call(member: member, body: question.body).properties) else {
                    refuse("org.freedesktop.DBus.Error.Failed")
                    return true
                }
                finish(send, peer, name, "done")
            }
        case "StopUnit", "ResetFailedUnit":
            guard unitNames.contains(name) else {
                refuse("org.freedesktop.systemd1.NoSuchUnit")
                return true
            }
            if member == "StopUnit" {
                remove(name)
                finish(send, peer, name, "done")
            } else {
                send(.answer, [])
            }
        default: send(.answer, [])
        }
        return true
    }

    /// A job and its end; the signal comes before the answer as often as behind it.
    private func finish(
        _ send: (DBusMessage.Kind, [DBusValue], String?) -> Void, _ peer: FileDescriptor,
        _ unit: String, _ result: String
    ) {
        jobs += 1
        let job = DBusValue.objectPath("/org/freedesktop/systemd1/job/\(jobs)")
        var signal = DBusMessage(
            .signal, serial: 5000 + jobs,
            body: [.uint32(jobs), job, .string(unit), .string(result)])
        signal.path = "/org/freedesktop/systemd1"
        signal.interface = "org.freedesktop.systemd1.Manager"
        signal.member = "JobRemoved"
        var other = signal
        other.body[1] = .objectPath("/org/freedesktop/systemd1/job/9999")
        other.body[3] = .string("canceled")
        peer.put(other.encoded)
        if jobs % 2 == 0 { peer.put(signal.encoded) }
        send(.answer, [job], nil)
        if jobs % 2 == 1 { peer.put(signal.encoded) }
    }

    // MARK: Units

    private func make(_ unit: String, _ properties: [String: DBusValue]) -> Bool {
        guard let slice = properties["Slice"]?.text,
            case .array("u", let pids)? = properties["PIDs"]
        else { return false }
        var made: [String] = []
        for hierarchy in hierarchies {
            let directory = "\(hierarchy)/\(slice)/\(unit)"
            guard (try? HostPath.makeDirectories(directory, mode: 0o755)) != nil else {
                return false
            }
            made.append(directory)
            for case .uint32(let pid) in pids {
                guard let file = try? HostPath.open(directory + "/cgroup.procs", .writeOnly),
                    (try? file.borrowed.write(all: Array("\(pid)".utf8))) != nil
                else { return false }
            }
        }
        pthread_mutex_lock(&lock)
        units[unit] = made
        pthread_mutex_unlock(&lock)
        return true
    }

    private func remove(_ unit: String) {
        pthread_mutex_lock(&lock)
        let directories = units.removeValue(forKey: unit) ?? []
        pthread_mutex_unlock(&lock)
        for directory in directories {
            for _ in 0..<500 {
                if rmdir(directory) == 0 || errno != EBUSY { break }
                usleep(2000)
            }
            if let slash = directory.lastIndex(of: "/") { rmdir(String(directory[..<slash])) }
        }
    }
}

extension [UInt8] {
    /// Where this text ends in it.
    fileprivate func range(of text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return nil }
        for start in 0...(count - wanted.count)
        where self[start..<start + wanted.count].elementsEqual(wanted) {
            return start + wanted.count
        }
        return nil
    }
}

extension DBusMessage {
    /// Of a message that this library has written: little-endian.
    fileprivate static func count(_ bytes: [UInt8]) -> Int? {
        func word(_ offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        if bytes.count < 16 { return nil }
        return 16 + (word(12) + 7) / 8 * 8 + word(4)
    }
}
