package import LinuxSystem

/// What the init process tells the runtime process, one message a packet:
///
///     message     carries                              then
///     terminal    the pty's far end, by SCM_RIGHTS     the runtime passes bytes, or passes it on
///     upper       a throw-away upper, by SCM_RIGHTS,   the runtime looks at it in the end
///                 and the number of its tree
///     listener    the seccomp listener's number        the runtime takes it by pidfd_getfd
///     turn        step                                 the runtime takes its steps from there on
///                                                      and answers with `go`
///     failed      step, exit code, sentence            the init process ends
///     executing   time, user and system time (or none) execve comes next
///     spawned     pid                                  it came from the process in between
///     notSpawned  errno                                the same
///     root        the overlay's tree, by SCM_RIGHTS    it came from the process that mounted it
///     entered     nothing; the kernel says who sent it the runtime goes on with that process
///     proxy       a listening socket, by SCM_RIGHTS    the runtime relays its connections
///     forked      nothing; the kernel says who sent it that process becomes the program
///     criu        the way to criu, by SCM_RIGHTS, and  the runtime tells criu what to restore
///                 numbers of two directories in criu
///     (closed)    nothing: exec has closed it          the program runs
///
/// and the runtime answers with one:
///
///     go          nothing                              the init process goes on
///     (closed)    nothing                              the runtime is gone: so is the container
package enum InitMessage: Equatable {
    case terminal
    /// - `tree`: The number of a copy-on-write tree; nil for the root's.
    case upper(tree: Int? = nil)
    /// - `descriptor`: A number of the init process's table.
    case listener(descriptor: CInt)
    /// - `step`: its index in the plan.
    case turn(step: Int)
    /// - `step`: its index in the plan.
    /// - `failure`: its sentence, kind and signal.
    case failed(step: Int, _ failure: Failure)
    /// - `record`: When, and what the start took; nil where the process may not ask.
    case executing(StartRecord?)
    case spawned(pid: Int32)
    case notSpawned(errno: CInt)
    case root
    case entered
    case proxy
    case forked
    /// It waits for a job.
    case ready
    /// - `images`, `work`: Numbers of criu's table.
    case criu(images: CInt, work: CInt)

    /// The runtime's answer to `turn`.
    package static let go: [UInt8] = [0]

    var encoded: [UInt8] {
        switch self {
        case .terminal: [1]
        case .failed(let step, let failure):
            [2] + InitMessage.bytes(step)
                + [failure.kind.rawValue, UInt8(truncatingIfNeeded: failure.signal)]
                + Array(failure.message.shortened().utf8)
        case .turn(let step): [3] + InitMessage.bytes(step)
        case .executing(let record):
            [4]
                + (record.map { [$0.time, $0.userTime, $0.systemTime, $0.peakMemory] } ?? [])
                .flatMap(InitMessage.bytes)
        case .listener(let descriptor): [5] + InitMessage.bytes(Int(descriptor))
        case .spawned(let pid):
            [6] + InitMessage.bytes(Int(pid)) + InitMessage.bytes(Int(pid) >> 16)
        case .notSpawned(let number): [7, UInt8(truncatingIfNeeded: number)]
        case .upper(let tree): [8] + (tree.map(InitMessage.bytes) ?? [])
        case .root: [9]
        case .entered: [10]
        case .proxy: [12]
        case .forked: [11]
        case .ready: [13]
        case .criu(let images, let work):
            [14] + InitMessage.bytes(Int(images)) + InitMessage.bytes(Int(work))
        }
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func bytes(_ step: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: step), UInt8(truncatingIfNeeded: step >> 8)]
    }

    /// Nil for what this version does not send.
    package init?(_ bytes: some RandomAccessCollection<UInt8>) {
        let bytes = Array(bytes)
        func step() -> Int { Int(bytes[1]) | Int(bytes[2]) << 8 }
        switch bytes.first {
        case 1 where bytes.count == 1: self = .terminal
        case 2 where bytes.count >= 5:
            var failure = Failure(
                String(decoding: bytes[5...], as: UTF8.self),
                Failure.Kind(rawValue: bytes[3]) ?? .other)
            if bytes[4] != 0 { failure.signal = CInt(bytes[4]) }
            self = .failed(step: step(), failure)
        case 3 where bytes.count == 3: self = .turn(step: step())
        case 4 where bytes.count == 1: self = .executing(nil)
        case 4 where bytes.count == 33:
            self = .executing(
                StartRecord(
                    time: InitMessage.number(bytes[1..<9]),
                    userTime: InitMessage.number(bytes[9..<17]),
                    systemTime: InitMessage.number(bytes[17..<25]),
                    peakMemory: InitMessage.number(bytes[25..<33])))
        case 5 where bytes.count == 3: self = .listener(descriptor: CInt(step()))
        // A number with the highest bit is no process's.
        case 6 where bytes.count == 5 && bytes[4] < 0x80:
            self = .spawned(pid: Int32(step() | Int(bytes[3]) << 16 | Int(bytes[4]) << 24))
        case 8 where bytes.count == 1: self = .upper()
        case 8 where bytes.count == 3: self = .upper(tree: step())
        case 9 where bytes.count == 1: self = .root
        case 10 where bytes.count == 1: self = .entered
        case 12 where bytes.count == 1: self = .proxy
        case 11 where bytes.count == 1: self = .forked
        case 13 where bytes.count == 1: self = .ready
        case 14 where bytes.count == 5:
            self = .criu(images: CInt(step()), work: CInt(Int(bytes[3]) | Int(bytes[4]) << 8))
        case 7 where bytes.count == 2: self = .notSpawned(errno: CInt(bytes[1]))
        default: return nil
        }
    }
}
