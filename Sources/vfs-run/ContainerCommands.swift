internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import Supervision

extension ParsedArguments {
    /// The container that the first operand names.
    func container() throws(RuntimeError) -> StoredContainer {
        try globals.store.find(try ContainerID(operands[0]))
    }
}

extension ParsedArguments {
    /// The containers that the first operand means: one by its name, or with `--regex` all whose
    /// names the expression finds something in.
    fileprivate func containers() throws(RuntimeError) -> [StoredContainer] {
        guard has("regex") else { return [try container()] }
        guard let expression = RegularExpression(operands[0]) else {
            throw RuntimeError("\"\(operands[0])\" is not a regular expression")
        }
        var found: [StoredContainer] = []
        for name in try globals.store.identifiers() where expression.matches(name) {
            found.append(try globals.store.find(try ContainerID(name)))
        }
        return found
    }
}

extension Option {
    fileprivate static let regex = Option(
        long: "regex", short: "r", value: nil,
        help: "ID is an extended regular expression: all containers whose names it matches")
}

extension Command {
    /// A command on one container: its operands are checked and its errors printed.
    private static func on(
        _ operands: ClosedRange<Int>,
        _ body: @escaping @Sendable (ParsedArguments) throws(RuntimeError) -> CInt
    ) -> @Sendable (ParsedArguments) throws(CommandError) -> CInt {
        { arguments throws(CommandError) in
            _ = try arguments.requireOperands(operands)
            do throws(RuntimeError) {
                return try body(arguments)
            } catch {
                throw error
            }
        }
    }

    /// `vfs-run start ID`
    static let start = Command(
        name: "start", summary: "execute the program of a created container", operands: "ID",
        details: [
            "Returns when the program runs, with an error when it cannot be executed. With"
                + " NOTIFY_SOCKET in the environment of create and here it returns when the program"
                + " has said that it is ready, or has ended (sd_notify(3))."
        ],
        options: [],
        run: on(1...1) { arguments throws(RuntimeError) in
            try arguments.container().start(
                notifySocket: notifySocket, warn: arguments.globals.log.warning)
            return 0
        })

    /// `vfs-run state ID`
    static let state = Command(
        name: "state", summary: "print the state of a container as JSON", operands: "ID",
        details: [], options: [],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1)
            let report: StoredContainer.Report
            do throws(RuntimeError) {
                report = try arguments.container().report()
            } catch {
                throw error
            }
            try Output.write(report.json(owner: "").prettyText)
            return 0
        })

    /// `vfs-run kill ID [SIGNAL]`
    static let kill = Command(
        name: "kill", summary: "send a signal to the first process of a container",
        operands: "ID [SIGNAL]",
        details: [
            "SIGNAL is a name, with or without SIG, or a number; TERM by default."
        ],
        options: [
            Option(
                long: "all", short: "a", value: nil,
                help: "to all its processes; no error when none is left"),
            .regex,
        ],
        run: on(1...2) { arguments throws(RuntimeError) in
            let word = arguments.operands.count > 1 ? arguments.operands[1] : "TERM"
            guard let signal = word == "0" ? 0 : Signal.number(word) else {
                throw RuntimeError("unknown signal \"\(word)\"; a name as TERM, or a number")
            }
            for container in try arguments.containers() {
                try container.kill(signal, all: arguments.has("all"))
            }
            return 0
        })

    /// `vfs-run pause ID`
    static let pause = Command(
        name: "pause", summary: "stop all processes of a container for a while", operands: "ID",
        details: [], options: [],
        run: on(1...1) { arguments throws(RuntimeError) in
            try arguments.container().pause()
            return 0
        })

    /// `vfs-run resume ID`
    static let resume = Command(
        name: "resume", summary: "let the processes of a paused container go on", operands: "ID",
        details: [], options: [],
        run: on(1...1) { arguments throws(RuntimeError) in
            try arguments.container().resume()
            return 0
        })

    /// `vfs-run ps ID`
    static let ps = Command(
        name: "ps", summary: "list the processes of a container", operands: "ID [PS-OPTIONS…]",
        details: ["The table is that of ps(1), called with PS-OPTIONS, -ef by default."],
        options: [
            Option(
                long: "format", short: "f", value: "FORMAT", help: "table or json",
                completes: .words(["table", "json"]))
        ],
        endsWithOtherCommand: true,
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(1...1000)
            let format = arguments.value("format") ?? "table"
            if format != "table" && format != "json" {
                throw CommandError("invalid format option \"\(format)\"; table and json are known")
            }
            let pids: [Int32]
            do throws(RuntimeError) {
                pids = try arguments.container().processes()
            } catch {
                throw error
            }
            if format == "json" {
                let list = JSONOutput.array(pids.map { .integer(Int64($0)) })
                try Output.write((pids.isEmpty ? "null" : list.compactText) + "\n")
            } else {
                let given = Array(arguments.operands.dropFirst())
                try Output.write(try ProcessTable.text(of: pids, given.isEmpty ? ["-ef"] : given))
            }
            return 0
        })

    /// `vfs-run delete ID`
    static let delete = Command(
        name: "delete", summary: "remove a container that has ended", operands: "ID",
        details: [
            "Removes the state, the control groups and what else is left of it; the bundle stays. One"
                + " that was created and never started is ended."
        ],
        options: [
            Option(
                long: "force", short: "f", value: nil,
                help: "also one that runs: it is killed; no error when there is none"),
            .regex,
        ],
        run: on(1...1) { arguments throws(RuntimeError) in
            let force = arguments.has("force")
            do throws(RuntimeError) {
                for container in try arguments.containers() {
                    try delete(container, force: force, arguments.globals.log)
                }
            } catch {
                if force && error.kind == .missing { return 0 }
                throw error
            }
            return 0
        })

    private static func delete(
        _ container: StoredContainer, force: Bool, _ log: Log
    ) throws(RuntimeError) {
        do throws(RuntimeError) {
            try container.delete(force: force)
        } catch {
            if force && error.kind == .missing { return }
            if error.kind != .warning { throw error }
            log.warning(error.message)
        }
    }

    /// `vfs-run list`
    static let list = Command(
        name: "list", summary: "list the containers", operands: "",
        details: [],
        options: [
            Option(
                long: "format", short: "f", value: "FORMAT", help: "table or json",
                completes: .words(["table", "json"])),
            Option(long: "quiet", short: "q", value: nil, help: "print the ids alone"),
        ],
        run: { arguments throws(CommandError) in
            _ = try arguments.requireOperands(0...0)
            let format = arguments.value("format") ?? "table"
            if format != "table" && format != "json" {
                throw CommandError("invalid format option \"\(format)\"; table and json are known")
            }
            let store = arguments.globals.store
            var reports: [StoredContainer.Report] = []
            do throws(RuntimeError) {
                let mustExist = arguments.globals.rootIsGiven
                if arguments.has("quiet") {
                    let names = try store.identifiers(mustExist: mustExist)
                    try? Output.write(
                        names.map { $0.printable(upTo: .longestName) + "\n" }.joined())
                    return 0
                }
                reports = try store.reports(mustExist: mustExist) { name, error in
                    arguments.globals.log.warning("load container \(name): \(error.message)")
                }
            } catch {
                throw error
            }
            let owners = OwnerNames()
            if format == "json" {
                let list = reports.map { $0.json(owner: owners.name($0.ownerID)) }
                try Output.write(
                    (list.isEmpty ? "null" : JSONOutput.array(list).compactText) + "\n")
            } else {
                try writeTable(reports, owners)
            }
            return 0
        })

    /// Columns as wide as their widest cell and three more, twelve at least.
    private static func writeTable(
        _ reports: [StoredContainer.Report], _ owners: OwnerNames
    ) throws(CommandError) {
        let rows = reports.map {
            (report: $0, id: cell($0.id), bundle: cell($0.bundle), created: cell($0.created))
        }
        var (id, bundle, created) = (12, 12, 12)
        for index in rows.indices {
            id = max(id, rows[index].id.width + 3)
            bundle = max(bundle, rows[index].bundle.width + 3)
            created = max(created, rows[index].created.width + 3)
        }
        var text: [UInt8] = []
        let most = 1 << 16
        text.reserveCapacity(min((id + bundle + created + 40) * (rows.count + 1), most))
        func append(_ cell: String, _ width: Int) {
            text += cell.utf8
            for _ in cell.width..<width { text.append(0x20) }
        }
        func append(_ row: (String, String, String, String, String, String)) {
            append(row.0, id)
            append(row.1, 12)
            append(row.2, 12)
            append(row.3, bundle)
            append(row.4, created)
            text += row.5.utf8
            text.append(0x0a)
        }
        append(("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"))
        for index in rows.indices {
            let report = rows[index].report
            append(
                (
                    rows[index].id, String(report.pid), report.status.rawValue,
                    rows[index].bundle, rows[index].created, cell(owners.name(report.ownerID))
                ))
            if text.count > most - 1024 {
                try Output.write(text)
                text.removeAll(keepingCapacity: true)
            }
        }
        try Output.write(text)
    }

    /// What a state file says, which another user may have written.
    private static func cell(_ text: String) -> String { text.printable(upTo: .longestName) }
}

extension String {
    /// How many Unicode scalars it has.
    fileprivate var width: Int {
        let counted = unsafe utf8.withContiguousStorageIfAvailable { bytes in
            unsafe bytes.reduce(0) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
        }
        return counted ?? unicodeScalars.count
    }
}

/// The names of users, read once.
private final class OwnerNames {
    private lazy var names: [UInt32: String] = {
        let bytes = (try? HostPath.read("/etc/passwd")) ?? []
        var names: [UInt32: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, let id = UInt32(fields[2]), names[id] == nil {
                names[id] = String(fields[0])
            }
        }
        return names
    }()

    /// As a rule many containers have one owner.
    private var last: (id: UInt32, name: String)?

    func name(_ id: UInt32) -> String {
        if let last, last.id == id { return last.name }
        let name = names[id] ?? "#\(id)"
        last = (id, name)
        return name
    }
}
