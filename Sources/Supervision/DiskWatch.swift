internal import LinuxSystem
internal import SystemPackage

/// The bytes in uppers on a disk, looked at from time to time by a process of its own: the walk may
/// take long, and takes the rights of the container's root, who may list what its owner may not.
final class DiskWatch {
    struct Usage {
        var bytes: UInt64 = 0
        var files: UInt64 = 0
    }

    private let worker: Worker
    private(set) var usage = Usage()
    private(set) var isExceeded = false
    private(set) var hasLooked = false
    /// By when it has to have said something.
    private(set) var next: UInt64

    /// How long, in nanoseconds, a look may take.
    private static let patience: UInt64 = 60_000_000_000

    /// - Parameters:
    ///   - processes: The first of them that `/proc` tells of has the container's user namespace.
    ///   - root: The process whose descendants are the container's.
    ///   - others: Those that are not.
    init(
        _ paths: [String], limit: UInt64, ofContainerOf processes: [Int32], root: Int32,
        without others: [Int32]
    ) throws(Failure) {
        var trees: [HeldDescriptor] = []
        for path in paths {
            trees.append(
                HeldDescriptor(
                    try attempt("open", on: path, try HostPath.open(path, [.path, .directory]))))
        }
        let namespace = try DiskWatch.userNamespace(of: processes)
        let measuring = Measuring(
            trees: trees, namespace: namespace, limit: limit, root: root, others: others)
        worker = try attempt(
            "clone3", "of the process that measures the upper",
            try Worker(
                keeping: (trees + [namespace].compactMap(\.self)).map(\.borrowed), measuring.run))
        next = Clock.nanoseconds + DiskWatch.patience
    }

    /// Nil for root, who may list everything.
    private static func userNamespace(of processes: [Int32]) throws(Failure) -> HeldDescriptor? {
        if Credentials.effectiveUser == 0 { return nil }
        var failure: Failure?
        for process in processes {
            let path = "/proc/\(process)/ns/user"
            do throws(Failure) {
                return HeldDescriptor(
                    try attempt("open", on: path, try HostPath.open(path, .readOnly)))
            } catch {
                failure = failure ?? error
            }
        }
        throw (failure ?? Failure("the container has no process"))
            .within("the upper cannot be measured")
    }

    var pid: Int32 { worker.pid }
    var borrowed: FileDescriptor { worker.borrowed }

    /// Takes what it says.
    func take() throws(Failure) {
        let bytes = try attempt("recvmsg", "of the measured upper", try worker.receive())
        guard let bytes, let answer = Measuring.Answer(bytes) else {
            throw Failure("the process that measures the upper has ended; was it killed?")
        }
        switch answer {
        case .failed(let words): throw Failure("the upper cannot be measured: \(words)")
        case .found(let found, let exceeds, let isLast):
            usage = found
            isExceeded = exceeds
            hasLooked = isLast
        }
        next = Clock.nanoseconds + DiskWatch.patience
    }

    /// - Throws: It has said nothing for too long.
    func check(_ now: UInt64) throws(Failure) {
        if now >= next { throw Failure("the upper was not measured within 60 s") }
    }

    /// Asks for the last look, once nothing changes any more.
    func ask() throws(Failure) {
        do throws(Errno) {
            try worker.send([0])
        } catch .brokenPipe, .connectionReset {
            // Why it has ended is there to be received.
        } catch {
            throw Failure("sendmsg", "to the process that measures the upper", error)
        }
    }

    deinit { worker.end() }
}

/// The work of that process.
private struct Measuring {
    let trees: [HeldDescriptor]
    let namespace: HeldDescriptor?
    let limit: UInt64
    let root: Int32
    let others: [Int32]

    /// Nanoseconds between two looks.
    private static let interval: UInt64 = 50_000_000
    private static let longest: UInt64 = 1_000_000_000
    /// As in a tmpfs: a limit of bytes does not cover empty files.
    private static let bytesOfFile: UInt64 = 4096
    private static let leastFiles: UInt64 = 1024

    func run(_ channel: borrowing Channel) {
        do throws(Errno) {
            if let namespace { try namespace.borrowed.joinNamespace(.user) }
            // What it joins clears both.
            try CurrentProcess.setDumpable(false)
            try CurrentProcess.setParentDeathSignal(Signal.kill)
            var isLast = false
            while true {
                let now = Clock.nanoseconds
                let found = try measure()
                try channel.send(
                    Answer.found(
                        .init(bytes: found.bytes, files: found.files), exceeds: found.isExceeded,
                        isLast: isLast
                    ).encoded)
                if isLast { return }
                let end = Clock.nanoseconds
                // A large tree takes no more than a tenth of a processor, as long as it can wait.
                let pause = max(
                    Measuring.interval, min((end - now) * 9, Measuring.longest))
                let events = try Poll.wait(
                    [(channel.borrowed, .readable)], until: end + pause, isInterruptible: false)
                if events[0].isEmpty { continue }
                // The runtime process is gone.
                if try channel.receive() == nil { return }
                isLast = true
            }
        } catch .brokenPipe, .connectionReset {
            // The same.
        } catch {
            _ = try? channel.send(Answer.failed(error.words).encoded)
        }
    }

    private func measure() throws(Errno) -> TreeSize {
        var size = TreeSize(
            atMost: limit, files: max(limit / Measuring.bytesOfFile, Measuring.leastFiles))
        for tree in trees { try size.add(tree: tree.borrowed) }
        size.addUnlinked(ofProcessesBelow: root, without: others)
        return size
    }

    enum Answer {
        case found(DiskWatch.Usage, exceeds: Bool, isLast: Bool)
        case failed(String)

        var encoded: [UInt8] {
            switch self {
            case .found(let usage, let exceeds, let isLast):
                [exceeds ? 1 : 0, isLast ? 1 : 0]
                    + [usage.bytes, usage.files].flatMap { number in
                        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
                    }
            case .failed(let words): Array(words.utf8)
            }
        }

        init?(_ bytes: [UInt8]) {
            func number(_ start: Int) -> UInt64 {
                bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            if bytes.isEmpty { return nil }
            if bytes.count != 18 || bytes[0] > 1 {
                self = .failed(String(decoding: bytes, as: UTF8.self))
            } else {
                self = .found(
                    .init(bytes: number(2), files: number(10)), exceeds: bytes[0] == 1,
                    isLast: bytes[1] == 1)
            }
        }
    }
}
