internal import ContainerRuntime
internal import JSON
public import LinuxSystem

/// A job, as its line says it.
public struct BatchJob: Sendable {
    public var id: String?
    public var arguments: [String]
    var input: Content?
    var files: [(path: String, content: Content, mode: UInt32?)] = []
    var environment: [String] = []
    var collect: [String] = []
    /// In the place of the shape's, for one command.
    var workingDirectory: String?
    /// Nanoseconds, and bytes: limits that need no plan of their own.
    var wallTime: UInt64?
    var output: UInt64?
    /// What needs a plan of its own.
    public var shape = JobShape()

    static let mostFiles = 256
    static let mostWords = 4096
    static let longestID = 256
    static let mostPatterns = 256
    /// Of standard output and standard error together.
    public static let mostOutput: UInt64 = 64 << 20

    private static let keys = [
        "id", "args", "stdin", "files", "env", "cwd", "limits", "collect", "layers", "base",
    ]

    /// The id of a line that may be wrong otherwise.
    static func id(_ value: JSONValue) -> String? {
        value["id"]?.string.flatMap { $0.utf8.count <= longestID ? $0 : nil }
    }

    init(arguments: [String]) { self.arguments = arguments }

    /// - Parameter template: What holds where the line says nothing else.
    init(_ value: JSONValue, over template: BatchJob? = nil) throws(Failure) {
        try BatchJob.require(value, keys: BatchJob.keys)
        let program = template.flatMap { $0.arguments.isEmpty ? nil : $0.arguments }
        try self.init(session: value, arguments: value["args"] == nil ? program : nil)
        guard let template else { return }
        if value["collect"] == nil { collect = template.collect }
        shape.collects = !collect.isEmpty
        try fill(from: template)
    }

    /// A job without an id, which every line is laid over.
    public init(template bytes: [UInt8]) throws(Failure) {
        let document: JSONDocument
        do {
            document = try JSONDocument(bytes)
        } catch {
            throw Failure(
                "line \(error.position.line), column \(error.position.column): not JSON:"
                    + " \(error.message)")
        }
        let root = document.root
        try BatchJob.require(root, keys: BatchJob.keys.filter { $0 != "id" })
        try self.init(session: root, arguments: root["args"] == nil ? [] : nil)
    }

    private mutating func fill(from template: BatchJob) throws(Failure) {
        if input == nil { input = template.input }
        wallTime = wallTime ?? template.wallTime
        output = output ?? template.output
        let paths = Set(files.map { PathText.cleaned($0.path) })
        files = template.files.filter { !paths.contains(PathText.cleaned($0.path)) } + files
        if files.count > BatchJob.mostFiles {
            throw Failure(
                "files has \(files.count) entries with those of the template; at most"
                    + " \(BatchJob.mostFiles) are taken")
        }
        let names = Set(environment.map { $0.prefix { $0 != "=" } })
        environment =
            template.environment.filter { !names.contains($0.prefix { $0 != "=" }) } + environment
        shape.base = shape.base ?? template.shape.base
        shape.layers = shape.layers ?? template.shape.layers
        shape.workingDirectory = shape.workingDirectory ?? template.shape.workingDirectory
        shape.limits.merge(template.shape.limits) { own, _ in own }
    }

    /// What a message of a session has in common with a job; its keys are checked already.
    ///
    /// - Parameter given: Where it names no program.
    init(session value: JSONValue, arguments given: [String]?) throws(Failure) {
        if let id = value["id"] {
            guard let text = BatchJob.id(value) else {
                if id.kind == .null {
                    throw Failure("id is null; leave it out, or write a string")
                }
                throw Failure("id is not a string of at most \(BatchJob.longestID) bytes")
            }
            self.id = text
        }
        if let given {
            arguments = given
        } else {
            arguments = try BatchJob.strings(value["args"], "args", most: BatchJob.mostWords)
        }
        if arguments.isEmpty && given == nil {
            throw Failure("args is missing or empty; name the program and its arguments")
        }
        if let input = value["stdin"] { self.input = try Content(input, "stdin") }
        if let files = value["files"] { self.files = try BatchJob.files(files) }
        if let environment = value["env"] {
            self.environment = try BatchJob.environment(environment)
        }
        if let limits = value["limits"] { try take(limits: limits) }
        collect = try BatchJob.strings(value["collect"], "collect", most: BatchJob.mostPatterns)
        shape.collects = !collect.isEmpty
        if let directory = value["cwd"] {
            shape.workingDirectory = try BatchJob.path(directory, "cwd")
        }
        if value["layers"] != nil {
            shape.layers = try BatchJob.strings(value["layers"], "layers", most: 500)
        }
        if let base = value["base"] { shape.base = try BatchJob.string(base, "base") }
    }

    static func require(_ value: JSONValue, keys: [String]) throws(Failure) {
        if value.kind != .object { throw Failure("the line is not a JSON object") }
        if let duplicate = value.document.duplicateKeys.first {
            throw Failure("the key \((duplicate.string ?? "").inQuotes) stands twice in its object")
        }
        for (key, _) in value.members {
            guard let name = key.string, !keys.contains(name) else { continue }
            throw Failure(
                "the key \(name.inQuotes) is not known; keys are \(keys.joined(separator: ", "))")
        }
    }

    // MARK: Values

    static func string(_ value: JSONValue, _ place: String) throws(Failure) -> String {
        guard let text = value.string, !text.utf8.contains(0) else {
            throw Failure("\(place) is not a string without NUL")
        }
        return text
    }

    static func path(_ value: JSONValue, _ place: String) throws(Failure) -> String {
        let text = try string(value, place)
        if !text.hasPrefix("/") || text.utf8.count > 4095 {
            throw Failure("\(place) is not an absolute path of at most 4095 bytes")
        }
        return text
    }

    static func strings(
        _ value: JSONValue?, _ place: String, most: Int
    ) throws(Failure) -> [String] {
        guard let value else { return [] }
        if value.kind != .array { throw Failure("\(place) is not an array of strings") }
        let elements = value.elements
        if elements.count > most {
            throw Failure("\(place) has \(elements.count) entries; at most \(most) are taken")
        }
        var found: [String] = []
        for (index, element) in elements.enumerated() {
            found.append(try string(element, "\(place)[\(index)]"))
        }
        return found
    }

    static func files(
        _ value: JSONValue
    ) throws(Failure) -> [(path: String, content: Content, mode: UInt32?)] {
        if value.kind != .object { throw Failure("files is not an object") }
        let members = value.members
        if members.count > mostFiles {
            throw Failure("files has \(members.count) entries; at most \(mostFiles) are taken")
        }
        var found: [(path: String, content: Content, mode: UInt32?)] = []
        var places: Set<String> = []
        for (key, content) in members {
            let path = try path(key, "a key of files")
            let place = "files[\(path.inQuotes)]"
            if !places.insert(PathText.cleaned(path)).inserted {
                throw Failure(
                    "\(place) is another spelling of a path that stands in files; write it once")
            }
            if path.hasSuffix("/") { throw Failure("\(place) names a directory; name a file") }
            var mode: UInt32?
            if let text = content["mode"] {
                mode = text.string.flatMap { UInt32($0, radix: 8) }.flatMap {
                    $0 > 0o777 ? nil : $0
                }
                if mode == nil {
                    throw Failure("\(place).mode is not a string of octal digits up to 777")
                }
            }
            found.append((path, try Content(content, place), mode))
        }
        return found
    }

    static func environment(_ value: JSONValue) throws(Failure) -> [String] {
        if value.kind != .object { throw Failure("env is not an object") }
        let members = value.members
        if members.count > mostWords {
            throw Failure("env has \(members.count) entries; at most \(mostWords) are taken")
        }
        var found: [String] = []
        for (key, value) in members {
            let name = try string(key, "a key of env")
            if name.isEmpty || name.utf8.contains(0x3d) {
                throw Failure("the key \(name.inQuotes) of env is empty or contains =")
            }
            found.append("\(name)=\(try string(value, "env[\(name.inQuotes)]"))")
        }
        return found
    }

    mutating func take(limits value: JSONValue) throws(Failure) {
        if value.kind != .object { throw Failure("limits is not an object") }
        for (key, limit) in value.members {
            let word = key.string ?? ""
            guard let name = RunLimits.Name(rawValue: word) else {
                let names = RunLimits.Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw Failure("limits.\(word) is not known; limits are \(names)")
            }
            let text =
                limit.string
                ?? (limit.kind == .number ? String(decoding: limit.text, as: UTF8.self) : "")
            guard let number = RunLimits.value(name, text) else {
                throw Failure("limits.\(word) is not \(RunLimits.form(name))")
            }
            switch name {
            case .wallTime: wallTime = number
            case .output:
                if number > BatchJob.mostOutput {
                    throw Failure("limits.output is more than 64m")
                }
                output = number
            case .cpuTime, .memory, .processes, .disk: shape.limits[word] = text
            }
        }
    }
}

/// The part of a job that needs a plan of its own. Jobs of one shape share what was prepared.
public struct JobShape: Sendable, Hashable {
    public var base: String?
    public var layers: [String]?
    public var workingDirectory: String?
    /// By their keys in `vfs.limits`.
    public var limits: [String: String] = [:]
    /// Whether files are collected.
    public var collects = false

    public init() {}
}
