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
    private let input: UnsafeMutableRawBufferPointer
    private var digest = SHA256()
    private var free = BlobStream.slots
    private var next = 0
    /// How much of the next slot is.
    private var filled = 0
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
        unsafe input = .allocate(byteCount: 256 << 10, alignment: 64)
    }

    func run() -> Never {
        do throws(ArchiveError) {
            try read()
        } catch {
            try? send(.failed(error.message))
        }
        // It stays until the other process is done: what that one has said about free slots would
        // be lost with the socket, and the kernel would call that a connection reset.
        while let words = try? messages.receiveBytes(64), !words.isEmpty {}
        CurrentProcess.exit(0)
    }

    private func read() throws(ArchiveError) {
        do throws(Errno) {
            // Nobody else would end it: it may wait for a pipe.
            try CurrentProcess.setParentDeathSignal(Signal.kill)
            try CurrentProcess.closeDescriptors(except: [file, messages])
            if let start { try file.moveOffset(to: start) }
        } catch {
            throw ArchiveError(error.words)
        }
        let archive = try unsafe ArchiveReader(.stream) { [self] () throws(ArchiveError) in
            try unsafe nextInput()
        }
        if try archive.nextEntry() != nil {
            while let block = try unsafe archive.nextBlock() {
                try unsafe pass(block.bytes, of: archive)
            }
            try passSlot(of: archive)
        }
        while unsafe try !nextInput().isEmpty {}
        try send(.ended(digest.finished(), size: Int64(digest.count)))
    }

    private func pass(
        _ bytes: UnsafeRawBufferPointer, of archive: ArchiveReader
    ) throws(ArchiveError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            if filled == 0 { try takeSlot() }
            let place = next * BlobStream.slotSize + filled
            let piece = min(BlobStream.slotSize - filled, rest.count)
            unsafe memory.bytes[place..<place + piece].copyBytes(from: rest.prefix(piece))
            filled += piece
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece))
            if filled == BlobStream.slotSize { try passSlot(of: archive) }
        }
    }

    private func passSlot(of archive: ArchiveReader) throws(ArchiveError) {
        if filled == 0 { return }
        try send(
            .filled(
                count: filled, consumed: Int64(digest.count), isPlain: !archive.isCompressed))
        next = (next + 1) % BlobStream.slots
        filled = 0
    }

    /// Waits for a slot that the other process is done with.
    private func takeSlot() throws(ArchiveError) {
        free -= 1
        if free >= 0 { return }
        do throws(Errno) {
            guard try messages.receiveBytes(1) != nil else { CurrentProcess.exit(1) }
        } catch {
            throw ArchiveError(error.words)
        }
        free += 1
    }

    private func nextInput() throws(ArchiveError) -> UnsafeRawBufferPointer {
        let wanted = unsafe Int(min(left ?? .max, Int64(input.count)))
        do throws(Errno) {
            let count = try unsafe file.readInto(
                UnsafeMutableRawBufferPointer(rebasing: input[..<wanted]))
            if let before = left {
                if count == 0 && before > 0 { throw .noData }
                left = before - Int64(count)
            }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: input[..<count])
            unsafe digest.add(bytes)
            return unsafe bytes
        } catch {
            throw ArchiveError("it cannot be read: \(error.words)")
        }
    }

    private func send(_ message: BlobMessage) throws(ArchiveError) {
        do throws(Errno) {
            try messages.send(message.bytes)
        } catch {
            throw ArchiveError(error.words)
        }
    }
}
