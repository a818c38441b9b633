internal import DBus
internal import LinuxSystem

/// systemd's manager of units: that of the host, or that of the user.
struct Systemd: ~Copyable {
    private var connection: DBusConnection

    private static let service = "org.freedesktop.systemd1"
    private static let object = "/org/freedesktop/systemd1"
    private static let interface = "org.freedesktop.systemd1.Manager"

    /// How long it may take over one task, in nanoseconds.
    private static let patience: UInt64 = 30_000_000_000

    /// - Throws: A sentence with the sockets that were tried.
    init(ofUser isUsers: Bool, at places: [Place]? = nil) throws(Failure) {
        connection = try Systemd.connect(
            ofUser: isUsers, at: places ?? Systemd.places(ofUser: isUsers))
    }

    private static func connect(
        ofUser isUsers: Bool, at places: [Place]
    ) throws(Failure) -> DBusConnection {
        let deadline = Clock.nanoseconds + Systemd.patience
        var problems: [String] = []
        for place in places {
            do throws(DBusError) {
                var found = try DBusConnection.open(
                    place.address, isBus: place.isBus, until: deadline)
                if place.isBus { try watch(&found) }
                return found
            } catch {
                problems.append(
                    error.description.has(place.address.words)
                        ? error.description : "\(place.address.words): \(error)")
            }
        }
        let whose = isUsers ? "the user's systemd" : "systemd"
        throw Failure(
            "\(whose) cannot be reached: "
                + (problems.isEmpty
                    ? "neither XDG_RUNTIME_DIR nor DBUS_SESSION_BUS_ADDRESS is set"
                    : problems.joined(separator: "; "))
                + "; leave --systemd-cgroup out, or give --cgroup-manager cgroupfs")
    }

    typealias Place = (address: DBusAddress, isBus: Bool)

    /// Where it is looked for, in this order. What the environment names is meant; else its own
    /// socket comes before the bus, which may not run.
    static func places(ofUser isUsers: Bool) -> [Place] {
        func bus(_ variable: String) -> [Place] {
            DBusAddress.list(CurrentProcess.environment(variable) ?? "").map { ($0, true) }
        }
        if !isUsers {
            let named = bus("DBUS_SYSTEM_BUS_ADDRESS")
            if !named.isEmpty { return named }
            return [
                (.path("/run/systemd/private"), false),
                (.path("/run/dbus/system_bus_socket"), true),
            ]
        }
        var found = bus("DBUS_SESSION_BUS_ADDRESS")
        if let folder = CurrentProcess.environment("XDG_RUNTIME_DIR"), folder.hasPrefix("/") {
            found.insert((.path(folder + "/systemd/private"), false), at: 0)
            found.append((.path(folder + "/bus"), true))
        }
        return found
    }

    /// A bus sends only the signals that a client has subscribed to.
    private static func watch(_ connection: inout DBusConnection) throws(DBusError) {
        let rule = "type='signal',sender='\(service)',interface='\(interface)',member='JobRemoved'"
        _ = try connection.call(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
            [.string(rule)])
        _ = try connection.call(service, object, interface, "Subscribe")
    }

    private mutating func call(
        _ member: String, _ body: [DBusValue]
    ) throws(DBusError) -> [DBusValue] {
        try connection.call(Systemd.service, Systemd.object, Systemd.interface, member, body)
    }

    // MARK: Units

    /// Makes a unit and waits until it is there. One of that name that has failed makes way.
    mutating func start(
        _ unit: String, _ properties: [SystemdProperty]
    ) throws(Failure) {
        let body: [DBusValue] = [
            .string(unit), .string("replace"), .array(of: "(sv)", properties.map(\.encoded)),
            .array(of: "(sa(sv))", []),
        ]
        let result: String
        do throws(DBusError) {
            do throws(DBusError) {
                result = try run("StartTransientUnit", body)
            } catch {
                guard error.isUnitTaken else { throw error }
                try resetFailed(unit)
                result = try run("StartTransientUnit", body)
            }
        } catch {
            throw Failure(
                "systemd does not make the unit \"\(unit)\": \(error)"
                    + (error.isUnitTaken ? "; name another in linux.cgroupsPath" : ""),
                error.isUnitTaken ? .taken : .other)
        }
        if result != "done" {
            try? resetFailed(unit)
            throw Failure(
                "systemd has not made the unit \"\(unit)\": its job ended as \"\(result)\"")
        }
    }

    /// Ends a unit and waits until it is gone. One that is not there is fine.
    mutating func stop(_ unit: String) throws(DBusError) {
        do throws(DBusError) {
            _ = try run("StopUnit", [.string(unit), .string("replace")])
        } catch {
            if !error.isNoSuchUnit { throw error }
        }
        // A unit that has failed stays until it is reset.
        try resetFailed(unit)
    }

    mutating func set(_ unit: String, _ properties: [SystemdProperty]) throws(Failure) {
        do throws(DBusError) {
            _ = try call(
                "SetUnitProperties",
                [
                    .string(unit), .bool(true), .array(of: "(sv)", properties.map(\.encoded)),
                ])
        } catch {
            throw Failure("systemd does not change the unit \"\(unit)\": \(error)")
        }
    }

    /// Moves a process into a unit that was delegated: systemd may where the process's own user may
    /// not.
    mutating func attach(_ process: Int32, to unit: String) throws(Failure) {
        do throws(DBusError) {
            _ = try call(
                "AttachProcessesToUnit",
                [
                    .string(unit), .string(""),
                    .array(of: "u", [.uint32(UInt32(truncatingIfNeeded: process))]),
                ])
        } catch {
            throw Failure(
                "systemd does not move the process into the unit \"\(unit)\": \(error)")
        }
    }

    private mutating func resetFailed(_ unit: String) throws(DBusError) {
        do throws(DBusError) {
            _ = try call("ResetFailedUnit", [.string(unit)])
        } catch {
            if !error.isNoSuchUnit { throw error }
        }
    }

    /// Its number as far as it has one: 252 of `252.39-1`.
    mutating func version() throws(Failure) -> Int {
        do throws(DBusError) {
            let answer = try connection.call(
                Systemd.service, Systemd.object, "org.freedesktop.DBus.Properties", "Get",
                [.string(Systemd.interface), .string("Version")])
            let text = answer.first?.text ?? ""
            return Int(text.drop { !$0.isNumber }.prefix { $0.isNumber }) ?? 0
        } catch {
            throw Failure("systemd does not tell its version: \(error)")
        }
    }

    /// Calls what starts a job, and waits for its end.
    ///
    /// - Returns: How it ended: `done`, `failed`, `timeout` …
    private mutating func run(
        _ member: String, _ body: [DBusValue]
    ) throws(DBusError) -> String {
        guard let job = try call(member, body).first?.text else {
            throw .malformed("it names no job")
        }
        let signal = try connection.signal {
            $0.member == "JobRemoved" && $0.body.count == 4 && $0.body[1].text == job
        }
        return signal.body[3].text ?? ""
    }
}

extension DBusError {
    fileprivate var isUnitTaken: Bool { isNamed("org.freedesktop.systemd1.UnitExists") }
    fileprivate var isNoSuchUnit: Bool { isNamed("org.freedesktop.systemd1.NoSuchUnit") }

    private func isNamed(_ wanted: String) -> Bool {
        if case .remote(let name, _) = self { name == wanted } else { false }
    }
}
