import CLinux
import Glibc
import Synchronization

/// How a program has ended and what it has said.
struct Outcome: CustomStringConvertible {
    /// The exit code, or 128 + N when signal N has ended it.
    var code: Int32
    var outputBytes: [UInt8]
    var output: String { String(decoding: outputBytes, as: UTF8.self) }
    var error: String

    var description: String { "code \(code), output \"\(output)\", error \"\(error)\"" }
}

struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A program that the test has started: by posix_spawn, since the test has many threads.
final class Running {
    /// What the program reads.
    enum Input {
        case bytes([UInt8])
        /// Stays open until `closeInput`.
        case open
        /// Standard input, output and error are this terminal, which becomes the controlling one.
        case terminal(String)
    }

    let pid: pid_t
    private let pidfd: CInt
    private var input: CInt = -1
    private var output: CInt = -1
    private var errors: CInt = -1
    private var pending: ArraySlice<UInt8> = []
    private var seen: [UInt8] = []
    private var complaints: [UInt8] = []
    private var taken = 0
    private(set) var isReaped = false

    /// - Parameter leaked: How many descriptors, from 3 on, the program inherits besides.
    init(
        _ path: String, _ arguments: [String], environment: [String] = [],
        input kind: Input = .bytes([]), directory: String? = nil, leaked: CInt = 0
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var ours: [CInt] = []
        var theirs: [CInt] = []
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        if case .terminal(let name) = kind {
            flags |= Running.newSession
            posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
        } else {
            for stream in 0..<3 as Range<CInt> {
                let (reader, writer) = try Running.pipe()
                theirs.append(stream == 0 ? reader : writer)
                ours.append(stream == 0 ? writer : reader)
                posix_spawn_file_actions_adddup2(&actions, theirs[Int(stream)], stream)
            }
        }
        let null = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(null) }
        for number in 3..<3 + leaked {
            posix_spawn_file_actions_adddup2(&actions, null, number)
        }
        // Whatever the suite itself was started with, a lock for one, is no business of the program's.
        _ = Running.addCloseFrom(&actions, 3 + leaked)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var set = sigset_t()
        sigemptyset(&set)
        posix_spawnattr_setsigmask(&attributes, &set)
        sigfillset(&set)
        posix_spawnattr_setsigdefault(&attributes, &set)
        posix_spawnattr_setflags(&attributes, CShort(flags))
        // By a shell, since Swift does not see posix_spawn_file_actions_addchdir_np.
        let shell = directory.map { ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", $0] } ?? []
        let words = shell + [path] + arguments
        var argv = words.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for string in argv + envp { free(string) } }
        var child: pid_t = 0
        let result = FilesBeingWritten.none {
            posix_spawn(&child, words[0], &actions, &attributes, &argv, &envp)
        }
        for descriptor in theirs { close(descriptor) }
        guard result == 0 else {
            for descriptor in ours { close(descriptor) }
            throw Failure("posix_spawn \(path): \(String(cString: strerror(result)))")
        }
        pid = child
        pidfd = clinux_pidfd_open(child)
        guard !ours.isEmpty else { return }
        (input, output, errors) = (ours[0], ours[1], ours[2])
        for descriptor in ours { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        if case .bytes(let bytes) = kind {
            pending = bytes[...]
            if bytes.isEmpty { closeInput() }
        }
    }

    /// `POSIX_SPAWN_SETSID`, which glibc has and Swift does not see.
    private static let newSession: CInt = 0x80

    /// `posix_spawn_file_actions_addclosefrom_np`, which glibc has and Swift does not see.
    private static let addCloseFrom = unsafeBitCast(
        dlsym(nil, "posix_spawn_file_actions_addclosefrom_np"),
        to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt).self)

    private static func pipe() throws -> (reader: CInt, writer: CInt) {
        var ends: [CInt] = [-1, -1]
        guard clinux_pipe_cloexec(&ends) == 0 else { throw Failure("pipe2 failed") }
        return (ends[0], ends[1])
    }

    deinit {
        if !isReaped {
            kill(pid, SIGKILL)
            var status: CInt = 0
            waitpid(pid, &status, 0)
        }
        closeInput()
        for descriptor in [output, errors, pidfd] where descriptor >= 0 { close(descriptor) }
    }

    func send(_ signal: CInt) { kill(pid, signal) }

    /// How many bytes of its output nobody has taken.
    var unread: CInt {
        var count: CInt = 0
        _ = ioctl(output, UInt(FIONREAD), &count)
        return count
    }

    /// What it, or the container behind it, reads next, where its input was left open.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(input, bytes, bytes.count)
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// The next line of its output, without the newline.
    func readLine(seconds: Double = 10) throws -> String {
        let deadline = Deadline(seconds)
        while true {
            if let end = seen[taken...].firstIndex(of: 0x0a) {
                let line = String(decoding: seen[taken..<end], as: UTF8.self)
                taken = end + 1
                return line
            }
            let ended = try !exchange(until: deadline)
            if ended && seen[taken...].firstIndex(of: 0x0a) == nil {
                throw Failure("ended without the line that was waited for: \(said)")
            }
        }
    }

    /// Waits for the end; kills what takes too long.
    func finish(seconds: Double = 30) throws -> Outcome {
        let deadline = Deadline(seconds)
        do {
            while try exchange(until: deadline) {}
        } catch {
            kill(pid, SIGKILL)
            throw error
        }
        var status: CInt = 0
        waitpid(pid, &status, 0)
        isReaped = true
        let signal = status & 0x7f
        return Outcome(
            code: signal != 0 ? 128 + signal : status >> 8 & 0xff, outputBytes: seen,
            error: String(decoding: complaints, as: UTF8.self))
    }

    /// What has been written to the streams that a container has taken over, behind the lines that
    /// have been read, up to their end.
    func readToEnd(seconds: Double = 10) throws -> String {
        let deadline = Deadline(seconds)
        while try exchange(until: deadline) {}
        return String(decoding: seen[taken...], as: UTF8.self)
    }

    /// What the program, or the container behind it, has written to its standard error so far.
    var errorSoFar: String { String(decoding: complaints, as: UTF8.self) }

    private var said: String {
        "output \"\(String(decoding: seen, as: UTF8.self))\", error"
            + " \"\(String(decoding: complaints, as: UTF8.self))\""
    }

    /// Passes bytes once; false when the program has ended and all it said has been read. Of one
    /// that has been waited for, the streams are followed to their end.
    private func exchange(until deadline: Deadline) throws -> Bool {
        if isReaped && output < 0 && errors < 0 { return false }
        let writes = pending.isEmpty ? -1 : input
        var polled = [output, errors, writes, isReaped ? -1 : pidfd].map {
            pollfd(fd: $0, events: CShort($0 == writes ? POLLOUT : POLLIN), revents: 0)
        }
        let count = poll(&polled, 4, deadline.milliseconds)
        if count == 0 { throw Failure("took too long: \(said)") }
        if polled[0].revents != 0 { Running.take(&output, &seen) }
        if polled[1].revents != 0 { Running.take(&errors, &complaints) }
        if polled[2].revents != 0 { writePending() }
        if polled[3].revents == 0 { return true }
        Running.take(&output, &seen)
        Running.take(&errors, &complaints)
        return false
    }

    private func writePending() {
        let count = pending.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
        pending = count < 0 ? [] : pending.dropFirst(count)
        if pending.isEmpty { closeInput() }
    }

    /// All that can be read now.
    private static func take(_ descriptor: inout CInt, _ bytes: inout [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while descriptor >= 0 {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
            } else if count == 0 {
                close(descriptor)
                descriptor = -1
            } else {
                return
            }
        }
    }
}

/// A process that is just being made holds every descriptor of the test until it executes: a
/// program that another thread has been writing could not be executed meanwhile (ETXTBSY).
enum FilesBeingWritten {
    private static let mutex = Mutex<Void>(())

    static func none<Result>(_ body: () throws -> Result) rethrows -> Result {
        try mutex.withLock { _ in try body() }
    }
}

/// A point in time that a wait ends at.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(_ seconds: Double) { end = ContinuousClock.now + .seconds(seconds) }

    /// What is left, for poll(2).
    var milliseconds: CInt {
        let (seconds, attoseconds) = (end - ContinuousClock.now).components
        return max(0, CInt(seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    var hasPassed: Bool { ContinuousClock.now >= end }
}
