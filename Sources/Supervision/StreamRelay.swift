internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

/// Carries one of the caller's standard streams to the container's program, or back, through a pipe.
/// Nothing in it waits: bytes are taken only when those before them are gone.
final class StreamRelay {
    private let pipe: StreamPipe
    private var stream: StandardStream { pipe.stream }
    /// What went wrong with the caller's stream, which the program learns of as of a closed pipe.
    private(set) var problem: Failure?
    /// Read and not yet written.
    private var bytes: ArraySlice<UInt8> = []
    /// Of an input that can be read again: how much of it went into the pipe.
    private var passed: Int64 = 0
    private static let chunk = 65536
    /// Of an output: what was in the pipe when the container had ended, and was not read since.
    private var rest: Int?
    /// Of an output: the caller's stream.
    private let target: CallerStream?
    private let count: OutputCount

    init(_ pipe: StreamPipe, _ count: OutputCount) {
        self.pipe = pipe
        self.count = count
        target = pipe.stream == .input ? nil : CallerStream(pipe.caller)
        if pipe.stream != .input { count.begin(pipe.stream) }
    }

    private var near: FileDescriptor? { pipe.near }
    /// Of an output: where its bytes go.
    private var far: FileDescriptor { target?.borrowed ?? pipe.caller }

    /// Where the bytes come from, as long as there is room for them, and where they go.
    static let watchedCount = 2
    var watched: [TerminalProxy.Watched] {
        guard let near else { return [(nil, []), (nil, [])] }
        let (source, target) =
            stream == .input ? (pipe.caller, near) : (near, far)
        return [
            (bytes.isEmpty ? source : nil, .readable), (bytes.isEmpty ? nil : target, .writable),
        ]
    }

    func handle(_ events: ArraySlice<Poll.Events>) {
        if !events[events.startIndex].isEmpty { read() }
        if !bytes.isEmpty { write() }
    }

    /// Once the container has ended: passes on what is left of its output. What processes that are not
    /// the container's write into the pipe from here on is theirs.
    ///
    /// - Returns: What has to become writable for the rest; nil when nothing is left.
    func drain() -> FileDescriptor? {
        guard stream != .input else {
            giveBack()
            return nil
        }
        while let near {
            if bytes.isEmpty { readRest(near) }
            if bytes.isEmpty { return nil }
            let count = bytes.count
            write()
            if bytes.count == count { return far }
        }
        return nil
    }

    private func readRest(_ near: FileDescriptor) {
        do throws(Errno) {
            if rest == nil { rest = try near.unreadCount }
            if let left = rest, left > 0 { read(atMost: min(left, StreamRelay.chunk)) }
        } catch {
            fail("ioctl", error)
        }
    }

    private func read(atMost capacity: Int = StreamRelay.chunk) {
        guard let near else { return }
        do throws(Errno) {
            if stream != .input {
                guard let found = try near.readSome(capacity) else { return }
                rest = rest.map { $0 - found.count }
                bytes = self.count.take(found, from: stream)
                if bytes.isEmpty && !found.isEmpty { return }
            } else if let start = pipe.start {
                bytes = try pipe.caller.readSome(StreamRelay.chunk, at: start + passed)[...]
            } else {
                guard let found = try pipe.caller.readSome(StreamRelay.chunk) else { return }
                bytes = found[...]
            }
            if bytes.isEmpty { pipe.closeNearEnd() }
        } catch {
            fail("read", error)
        }
    }

    private func write() {
        guard let near else { return }
        do throws(Errno) {
            let count: Int
            if let target {
                count = try target.writeQuietly(bytes)
            } else {
                count = try near.writeSome(bytes)
            }
            bytes = bytes.dropFirst(count)
            passed += Int64(count)
        } catch {
            fail("write", error)
        }
    }

    /// The caller's position is where the program's reads have ended, as if it had the file itself:
    /// what is behind it is there for the next one who reads (`while read` in a shell).
    private func giveBack() {
        guard let start = pipe.start, let far = pipe.far, passed > 0 else { return }
        do throws(Errno) {
            // The program can write into the pipe as well: then more is unread than went in.
            let read = try max(passed - Int64(far.unreadCount), 0)
            try pipe.caller.move(to: start + read)
        } catch {
            problem = Failure("lseek", stream.name, error)
        }
    }

    private func fail(_ call: String, _ error: Errno) {
        bytes = []
        pipe.closeNearEnd()
        // A stream that was opened for the other direction, or a pipe: nothing is lost.
        if error == .badFileDescriptor || error == .brokenPipe { return }
        problem = Failure(call, stream.name, error)
    }
}
