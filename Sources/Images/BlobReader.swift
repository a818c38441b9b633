internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// The process that reads a blob, takes its digest and decompresses it.
@safe
final class BlobReader {
    private let file: FileDescriptor
    /// Bytes of the blob that were not read yet; nil for a stream.
    private var left: Int64?
    private let memory: SharedMemory
    private let messages: FileDescriptor
    private var digest = SHA256()
    private var free = BlobStream.slots
    private var next = 0
    private let start: Int64?

    init(
        _ file: FileDescriptor, _ range: Range<Int64>?, _ memory: SharedMemory,
        _ messages: FileDescriptor
    ) {
        self.file = file
        self.memory = memory
        self.messages = messages
        left = range.map { $0.upperBound - $0.lowerBound }
        start = range?.lowerBound
    }

    func run() -> Never {
        do throws(Failure) {
            try read()
        } catch {
            try? send(.failed(error.message))
        }
        // It stays until the other process is done: what that one has said about free slots would
        // be lost with the socket, and the kernel would call that a connection reset.
        while let words = try? messages.receiveBytes(64), !words.isEmpty {}
        CurrentProcess.exit(0)
    }

    private func read() throws(Failure) {
        // It may wait for a pipe, and no other process would end it.
        try attempt("prctl", try CurrentProcess.setParentDeathSignal(Signal.kill))
        try attempt(
            "close_range", try CurrentProcess.closeDescriptors(except: [file, messages]))
        if let start { try attempt("lseek", try file.moveOffset(to: start)) }
        let input = unsafe StreamInput { [self] (target) throws(Failure) in
            try unsafe fill(target)
        }
        let decoder = try StreamDecoder(input)
        while true {
            try takeSlot()
            let count = try unsafe fillSlot { (target) throws(Failure) in
                try unsafe decoder.read(input, into: target)
            }
            if count > 0 { try pass(count, isPlain: decoder.isPlain) }
            if count < BlobStream.slotSize { break }
        }
        // Behind the end of what was compressed there may be more; the digest is of all of it.
        while true {
            let count = try unsafe input.look().count
            if count == 0 { break }
            input.take(count)
        }
        try send(.ended(digest.finished(), size: Int64(digest.count)))
    }

    private var slot: UnsafeMutableRawBufferPointer {
        let place = next * BlobStream.slotSize
        return unsafe UnsafeMutableRawBufferPointer(
            rebasing: memory.bytes[place..<place + BlobStream.slotSize])
    }

    /// As far as there is something.
    private func fillSlot(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        var filled = 0
        while filled < BlobStream.slotSize {
            let count = try unsafe read(
                UnsafeMutableRawBufferPointer(rebasing: slot[filled...]))
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    private func pass(_ count: Int, isPlain: Bool) throws(Failure) {
        try send(.filled(count: count, consumed: Int64(digest.count), isPlain: isPlain))
        next = (next + 1) % BlobStream.slots
    }

    /// Waits for a slot that the other process is done with.
    private func takeSlot() throws(Failure) {
        free -= 1
        if free >= 0 { return }
        let word = try attempt("read", try messages.receiveBytes(1))
        if word == nil { CurrentProcess.exit(1) }
        free += 1
    }

    private func fill(
        _ target: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int {
        let wanted = Int(min(left ?? .max, Int64(target.count)))
        if wanted == 0 { return 0 }
        let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: target[..<wanted])
        let count = try attempt("read", try unsafe file.readInto(piece))
        if let before = left {
            if count == 0 { throw Failure("read", "", .noData) }
            left = before - Int64(count)
        }
        unsafe digest.add(UnsafeRawBufferPointer(rebasing: piece[..<count]))
        return count
    }

    private func send(_ message: BlobMessage) throws(Failure) {
        try attempt("sendmsg", try messages.send(message.bytes))
    }
}
