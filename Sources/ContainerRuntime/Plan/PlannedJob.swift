internal import LinuxSystem
internal import SystemPackage

/// One run of many by the same plan.
public struct PlannedJob: Sendable, Hashable {
    /// The program and its arguments.
    public var arguments: [String]
    /// `NAME=value` each; one takes the place of the plan's with the same name.
    public var environment: [String] = []
    /// Absolute paths in the container.
    public var files: [File] = []
    /// Nanoseconds; nil: the plan's.
    public var wallTime: UInt64?
    /// Bytes of output; nil: the plan's.
    public var output: UInt64?
    /// In the container, absolute, and there; nil: the plan's.
    public var workingDirectory: String?
    /// Files of the container that are written to standard output, in the place of a program.
    public var sent: [String]?

    public struct File: Sendable, Hashable {
        public var path: String
        public var bytes: [UInt8]
        public var mode: UInt32?
        /// How many bytes it has; in the init process they are still in the file of the job.
        private(set) var length: Int

        public init(path: String, bytes: [UInt8], mode: UInt32?) {
            (self.path, self.bytes, self.mode) = (path, bytes, mode)
            length = bytes.count
        }

        fileprivate init(path: String, length: Int, mode: UInt32?) {
            (self.path, bytes, self.mode, self.length) = (path, [], mode, length)
        }
    }

    public init(arguments: [String]) { self.arguments = arguments }

    /// Bytes: the number at the beginning of the file of the job, which says how long `encoded` is.
    static let numberLength = 8

    /// Writes the file of the job: the length of what follows, the job, and the contents of its files one
    /// after the other. They stay there until each is copied to its place: the memory of the container
    /// counts a file once.
    func write(to file: FileDescriptor) throws(Errno) {
        let bytes = encoded
        var words = JobWords()
        words.add(bytes.count)
        try file.write(all: words.bytes + bytes)
        for made in files where !made.bytes.isEmpty { try file.write(all: made.bytes) }
    }

    /// Reads a file of the job up to the contents of its files; nil where it is damaged.
    static func read(from file: FileDescriptor) throws(Errno) -> PlannedJob? {
        var number = JobWords(try file.readSome(numberLength, at: 0))
        let count = number.takeNumber()
        guard number.areTaken, (0...longest).contains(count) else { return nil }
        let bytes = try file.readSome(count, at: Int64(numberLength))
        try file.move(to: Int64(numberLength + count))
        return bytes.count == count ? PlannedJob(encoded: bytes) : nil
    }

    /// More bytes than the words of a job may have.
    private static let longest = 1 << 30

    /// What the init process has to know of it, without the contents of files: the limits are the runtime
    /// process's.
    var encoded: [UInt8] {
        var words = JobWords()
        words.add(arguments)
        words.add(environment)
        words.add(workingDirectory.map { [$0] } ?? [])
        words.add(sent == nil ? 0 : 1)
        words.add(sent ?? [])
        words.add(files.count)
        for file in files {
            words.add(Array(file.path.utf8))
            words.add(file.length)
            words.add(file.mode.map { Int($0) + 1 } ?? 0)
        }
        return words.bytes
    }

    /// Nil for what is no encoded job.
    init?(encoded bytes: [UInt8]) {
        var words = JobWords(bytes)
        arguments = words.takeStrings()
        environment = words.takeStrings()
        workingDirectory = words.takeStrings().first
        let isSent = words.takeNumber() == 1
        let paths = words.takeStrings()
        sent = isSent ? paths : nil
        for _ in 0..<words.takeCount() {
            let path = String(decoding: words.takeBytes(), as: UTF8.self)
            let length = words.takeNumber()
            let mode = words.takeNumber()
            if length < 0 { return nil }
            files.append(
                File(
                    path: path, length: length,
                    mode: mode > 0 ? UInt32(truncatingIfNeeded: mode - 1) : nil))
        }
        if !words.areTaken { return nil }
    }
}

extension PlannedJob {
    /// What a step does for the job, where that is not what the plan says; empty where its failures
    /// say it.
    func subject(of planned: PlannedStep) -> String? {
        switch planned.kind {
        case .program: return Execute(arguments: arguments, environment: []).summary
        case .container(let step):
            if step is AwaitJob { return "" }
            return step is EnterWorkingDirectory ? workingDirectory.map { "enter \($0)" } : nil
        case .runtime, .turn, .spawning: return nil
        }
    }
}

/// Numbers, bytes and strings, each with its length before it.
private struct JobWords {
    private(set) var bytes: [UInt8]
    private var next = 0
    private var isDamaged = false

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    /// Whether all was taken, and no more.
    var areTaken: Bool { !isDamaged && next == bytes.count }

    mutating func add(_ number: Int) {
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (shift * 8))) }
    }

    mutating func add(_ more: [UInt8]) {
        add(more.count)
        bytes += more
    }

    mutating func add(_ strings: [String]) {
        add(strings.count)
        for string in strings { add(Array(string.utf8)) }
    }

    mutating func takeNumber() -> Int {
        guard bytes.count - next >= 8 else {
            isDamaged = true
            return 0
        }
        defer { next += 8 }
        return bytes[next..<next + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// How many entries follow, each of which takes eight bytes at least.
    mutating func takeCount() -> Int {
        let count = takeNumber()
        if count >= 0 && count <= (bytes.count - next) / 8 { return count }
        isDamaged = true
        return 0
    }

    mutating func takeBytes() -> [UInt8] {
        let count = takeNumber()
        guard count >= 0, count <= bytes.count - next else {
            isDamaged = true
            return []
        }
        defer { next += count }
        return Array(bytes[next..<next + count])
    }

    mutating func takeStrings() -> [String] {
        (0..<takeCount()).map { _ in String(decoding: takeBytes(), as: UTF8.self) }
    }
}
