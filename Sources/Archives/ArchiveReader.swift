internal import CArchive
internal import Glibc
public import LinuxSystem

/// Reads a tar archive, which is not compressed, as it comes in: nothing is kept.
///
/// All formats of tar are read (ustar, pax, GNU; sparse files too).
@safe
public final class ArchiveReader {
    /// The next piece of the input, empty at its end; valid until the next call.
    @unsafe public typealias Source = () throws(Failure) -> UnsafeRawBufferPointer
    /// Passes over that many bytes of the input, where it can.
    public typealias Skip = (Int64) throws(Failure) -> Int64

    private var archive: OpaquePointer
    private let input: Input
    /// Where in the input `archive` begins.
    private var start: Int64 = 0

    /// - Parameters:
    ///   - source: Called when more is needed.
    ///   - skip: Called where a content is passed over; without it that is read.
    public init(from source: @escaping Source, skip: Skip? = nil) throws(Failure) {
        unsafe input = Input(source, skip)
        unsafe archive = try ArchiveReader.makeArchive()
        try open()
    }

    private static func makeArchive() throws(Failure) -> OpaquePointer {
        guard let archive = unsafe archive_read_new() else {
            throw Failure("no memory for an archive")
        }
        return unsafe archive
    }

    private func open() throws(Failure) {
        unsafe archive_read_support_format_tar(archive)
        // Nothing at all is an archive without entries: some builders write such layers.
        unsafe archive_read_support_format_empty(archive)
        let context = unsafe Unmanaged.passUnretained(input).toOpaque()
        let result = unsafe archive_read_open2(
            archive, context, nil,
            { _, context, buffer in
                guard let context = unsafe context, let buffer = unsafe buffer else { return -1 }
                return unsafe Unmanaged<Input>.fromOpaque(context).takeUnretainedValue()
                    .next(buffer)
            },
            { _, context, count in
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<Input>.fromOpaque(context).takeUnretainedValue()
                    .passOver(count)
            }, nil)
        try check(result)
    }

    /// The next entry, nil after the last; what is left of the one before is passed over.
    public func nextEntry() throws(Failure) -> ArchiveEntry? {
        if linkSize > 0 { try passLink(linkSize) }
        var entry: OpaquePointer?
        let result = unsafe archive_read_next_header(archive, &entry)
        if result == ARCHIVE_EOF { return nil }
        try check(result)
        guard let entry = unsafe entry else { return nil }
        let found = unsafe ArchiveEntry(entry)
        linkSize = found.kind == .hardLink ? found.size : 0
        return found
    }

    /// The size in the header of the entry, where it is a hard link.
    private var linkSize: Int64 = 0

    /// Most programs that write a size for a hard link write no content. libarchive looks for one
    /// behind a pax header all the same, and would take the next entries for it. So the archive is
    /// read on behind the link: where the next header is, or else behind a content of that size.
    private func passLink(_ size: Int64) throws(Failure) {
        start = offset
        try input.giveAgain(from: start)
        unsafe archive_read_free(archive)
        unsafe archive = try ArchiveReader.makeArchive()
        if try !input.holdsHeader() {
            let (padded, isTooLarge) = size.addingReportingOverflow(511)
            if isTooLarge { throw Failure("a hard link in it has a size that no file has") }
            start += try input.discard(padded & ~511)
        }
        try open()
    }

    /// A piece of an entry's content.
    @unsafe
    public struct Block {
        /// Valid until the reader is used again.
        public var bytes: UnsafeRawBufferPointer
        /// Where it belongs in the file; what no block covers is a hole.
        public var offset: Int64
    }

    /// The next piece of the entry's content, nil after the last.
    public func nextBlock() throws(Failure) -> Block? {
        var start: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        let result = unsafe archive_read_data_block(archive, &start, &count, &offset)
        if result == ARCHIVE_EOF { return nil }
        try check(result)
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
        return unsafe Block(bytes: bytes, offset: Int64(offset))
    }

    /// How many bytes of the archive were consumed: after `nextEntry` of one that is not sparse,
    /// where its content starts.
    public var offset: Int64 { unsafe start + Int64(archive_filter_bytes(archive, 0)) }

    deinit {
        unsafe archive_read_free(archive)
    }

    /// A warning is something that libarchive has left out, and so an error; but that names are
    /// not converted to the character set of the locale is as it should be: they are bytes.
    private func check(_ result: CInt) throws(Failure) {
        if result == ARCHIVE_OK { return }
        if let failure = input.failure { throw failure }
        let error = unsafe Failure(archive)
        let isAboutNames = unsafe strstr(error.message, "can't be converted from") != nil
        if result == ARCHIVE_WARN && isAboutNames { return }
        throw error
    }
}

/// The source, as C can carry it.
@safe
private final class Input {
    let source: ArchiveReader.Source
    let skip: ArchiveReader.Skip?
    var failure: Failure?
    /// The piece that libarchive was given last.
    private var piece = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Where in the input that ends.
    private var end: Int64 = 0
    /// How much of its end is given once more.
    private var again = 0
    /// Holds a piece that was put together of two.
    private var joined: UnsafeMutableRawBufferPointer?

    init(_ source: @escaping ArchiveReader.Source, _ skip: ArchiveReader.Skip?) {
        unsafe self.source = source
        self.skip = skip
    }

    deinit {
        unsafe joined?.deallocate()
    }

    func passOver(_ count: Int64) -> Int64 {
        guard let skip, again == 0 else { return 0 }
        do throws(Failure) {
            let count = try skip(count)
            end += count
            return count
        } catch {
            failure = error
            return -1
        }
    }

    func next(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do throws(Failure) {
            if again > 0 {
                unsafe piece = UnsafeRawBufferPointer(rebasing: piece.suffix(again))
                again = 0
            } else {
                try take()
            }
            unsafe buffer.pointee = piece.baseAddress
            return unsafe piece.count
        } catch {
            failure = error
            return -1
        }
    }

    private func take() throws(Failure) {
        unsafe piece = try source()
        end += unsafe Int64(piece.count)
    }

    // MARK: Behind a hard link

    func giveAgain(from place: Int64) throws(Failure) {
        guard let count = Int(exactly: end - place), unsafe (0...piece.count).contains(count) else {
            throw Failure("it is damaged")
        }
        again = count
    }

    /// Whether what comes next is the header of an entry, the end mark, or the end.
    func holdsHeader() throws(Failure) -> Bool {
        let size = 512
        while again < size {
            let kept = unsafe Array(piece.suffix(again))
            try take()
            again = unsafe kept.count + piece.count
            if unsafe piece.isEmpty { return kept.isEmpty }
            if kept.isEmpty { continue }
            let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: again, alignment: 16)
            unsafe whole.copyBytes(from: kept)
            unsafe UnsafeMutableRawBufferPointer(rebasing: whole[kept.count...]).copyMemory(
                from: piece)
            unsafe joined?.deallocate()
            unsafe joined = whole
            unsafe piece = UnsafeRawBufferPointer(whole)
        }
        let block = unsafe Array(piece.suffix(again).prefix(size))
        // The checksum counts its own place (148 to 155) as blanks; octal digits.
        let sum = block.enumerated().reduce(0) {
            $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
        }
        let digits = block[148..<156].drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        return sum == 8 * 0x20 || Int(String(decoding: digits, as: UTF8.self), radix: 8) == sum
    }

    func discard(_ count: Int64) throws(Failure) -> Int64 {
        var left = count
        while left > 0 {
            if again == 0 {
                try take()
                again = unsafe piece.count
                if again == 0 { throw Failure("it is cut off") }
            }
            let part = Int(min(left, Int64(again)))
            again -= part
            left -= Int64(part)
        }
        return count
    }
}
