internal import CArchive
internal import Glibc

/// Reads a tar archive, which is not compressed, as it comes in: nothing is kept.
///
/// All formats of tar are read (ustar, pax, GNU; sparse files too).
@safe
public final class ArchiveReader {
    /// The next piece of the input, empty at its end; valid until the next call.
    @unsafe public typealias Source = () throws(ArchiveError) -> UnsafeRawBufferPointer

    private let archive: OpaquePointer
    private let input: Input

    /// Passes over that many bytes of the input, where it can.
    public typealias Skip = (Int64) throws(ArchiveError) -> Int64

    /// - Parameters:
    ///   - source: Called when more is needed.
    ///   - skip: Called where a content is passed over; without it that is read.
    public init(from source: @escaping Source, skip: Skip? = nil) throws(ArchiveError) {
        guard let archive = unsafe archive_read_new() else {
            throw ArchiveError("no memory for an archive")
        }
        unsafe self.archive = archive
        unsafe input = Input(source, skip)
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
    public func nextEntry() throws(ArchiveError) -> ArchiveEntry? {
        var entry: OpaquePointer?
        let result = unsafe archive_read_next_header(archive, &entry)
        if result == ARCHIVE_EOF { return nil }
        try check(result)
        guard let entry = unsafe entry else { return nil }
        return unsafe ArchiveEntry(entry)
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
    public func nextBlock() throws(ArchiveError) -> Block? {
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
    public var offset: Int64 { unsafe Int64(archive_filter_bytes(archive, 0)) }

    deinit {
        unsafe archive_read_free(archive)
    }

    /// A warning is something that libarchive has left out, and so an error; but that names are
    /// not converted to the character set of the locale is as it should be: they are bytes.
    private func check(_ result: CInt) throws(ArchiveError) {
        if result == ARCHIVE_OK { return }
        if let failure = input.failure { throw failure }
        let error = unsafe ArchiveError(archive)
        let isAboutNames = unsafe strstr(error.message, "can't be converted from") != nil
        if result == ARCHIVE_WARN && isAboutNames { return }
        throw error
    }

    /// The source, as C can carry it.
    @safe
    private final class Input {
        let source: Source
        let skip: Skip?
        var failure: ArchiveError?

        init(_ source: @escaping Source, _ skip: Skip?) {
            unsafe self.source = source
            self.skip = skip
        }

        func passOver(_ count: Int64) -> Int64 {
            guard let skip else { return 0 }
            do throws(ArchiveError) {
                return try skip(count)
            } catch {
                failure = error
                return -1
            }
        }

        func next(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
            do throws(ArchiveError) {
                let bytes = unsafe try source()
                unsafe buffer.pointee = bytes.baseAddress
                return bytes.count
            } catch {
                failure = error
                return -1
            }
        }
    }
}
