internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// The content of a blob, decompressed by a second process, while this one takes digests and
/// writes files: two processors work, and no thread is made.
///
/// The bytes come through memory that both have; the messages say which part of it is filled, and
/// which is free again.
final class BlobStream {
    /// The digests of the blob, once all of it was read.
    struct Ending: Sendable {
        /// Of the bytes as they lie there.
        var blob: Digest
        var blobSize: Int64
        /// Of what came out.
        var content: Digest
    }

    /// How many bytes of the blob were read so far, for who shows progress.
    private(set) var consumed: Int64 = 0

    private let memory: SharedMemory
    private let messages: Channel
    private let process: ChildProcess
    private var next = 0
    private var holds = false
    private var isPlain = false
    private var digest = SHA256()
    private var ending: Ending?
    /// How many more bytes may come.
    private var left: Int64
    /// How many have come since the archive in it has ended.
    private var trailing = 0

    /// As much as keeps each busy while the other waits for a processor: with a few of them both
    /// would wait for one another most of the time where others work, too.
    static let slots = 32
    static let slotSize = 256 << 10

    /// The bytes that an archive may hold besides the content of its files, before its first entry
    /// and for each: headers, names, attributes, padding.
    private static let overhead: (atStart: Int64, perEntry: Int64) = (1 << 20, 8 << 10)

    /// The bytes that may follow an archive: the padding to a block of a tape.
    private static let mostTrailing = 16 << 20

    /// Every byte counts when it comes, before anything is made of it.
    ///
    /// - Parameter limit: Of the bytes of files in it.
    init(_ blob: consuming Blob, atMost limit: Int64) throws(Failure) {
        left = min(limit, .max >> 1) + BlobStream.overhead.atStart
        let name = blob.name
        let held = HeldBlob(blob)
        let memory = try attempt(
            "mmap", on: name, try SharedMemory(size: BlobStream.slots * BlobStream.slotSize))
        let pair = try attempt("socketpair", on: name, try Channel.Pair())
        let far = pair.far.borrowed
        process = try attempt(
            "clone3", on: name,
            try ChildProcess.spawn([]) {
                BlobReader(held.blob.file.borrowed, held.blob.range, memory, far).run()
            })
        self.memory = memory
        messages = pair.takeNear()
    }

    /// The next bytes, empty at the end; valid until the next call.
    func nextPiece() throws(Failure) -> UnsafeRawBufferPointer {
        let nothing = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        if ending != nil { return unsafe nothing }
        if holds {
            holds = false
            // A process that has read everything does not listen any more.
            try? messages.send([0])
        }
        let message = try receive()
        switch message {
        case .filled(let count, let consumed, let isPlain):
            self.consumed = consumed
            self.isPlain = isPlain
            let start = next * BlobStream.slotSize
            let bytes = unsafe UnsafeRawBufferPointer(
                rebasing: memory.bytes[start..<start + count])
            next = (next + 1) % BlobStream.slots
            holds = true
            left -= Int64(count)
            if left < 0 {
                throw Failure(
                    "its unpacked data is larger than --max-size; raise it if you trust the image")
            }
            if !isPlain { unsafe digest.add(bytes) }
            return unsafe bytes
        case .ended(let blob, let size):
            let content = isPlain ? blob : digest.finished()
            ending = Ending(blob: blob, blobSize: size, content: content)
            return unsafe nothing
        case .failed(let words): throw Failure(words)
        }
    }

    /// The archive has one entry more, and with it what is no content.
    func allowEntry() {
        left = min(left, .max >> 1) + BlobStream.overhead.perEntry
    }

    /// Passes over what is left behind the archive.
    func finish() throws(Failure) -> Ending {
        while true {
            if let ending { return ending }
            trailing += try unsafe nextPiece().count
            if trailing > BlobStream.mostTrailing {
                throw Failure(
                    "more than \(BlobStream.mostTrailing >> 20) MiB follow the end of the archive;"
                        + " cut them off")
            }
        }
    }

    private func receive() throws(Failure) -> BlobMessage {
        let message = try attempt(
            "recvmsg", "of the process that reads it", try messages.receive())
        if let message, let known = BlobMessage(message.bytes) { return known }
        throw Failure("the process that reads it has ended")
    }

    deinit {
        // It ends by itself when it is done; it is in the way when this one is not. One that cannot
        // be killed is not waited for: it ends when no process reads its messages.
        do throws(Errno) {
            try process.send(signal: Signal.kill)
            _ = try process.wait()
        } catch {}
    }

    /// A closure cannot hold a noncopyable value.
    private final class HeldBlob {
        let blob: Blob
        init(_ blob: consuming Blob) { self.blob = blob }
    }
}
