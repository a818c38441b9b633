internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// The files of an image as it was saved: a directory, or a tar archive of one.
protocol FileTree: AnyObject {
    /// For messages.
    var name: String { get }
    /// A regular file in it.
    func file(_ path: String) throws(Failure) -> Blob
}

extension FileTree {
    /// The same of the file that every image of its kind has.
    func file(_ path: String, advice: String) throws(Failure) -> Blob {
        do {
            return try file(path)
        } catch {
            var failure = error
            failure.advice = advice
            throw failure
        }
    }
}

/// A tar archive of files, which are read where they lie in it.
final class TarTree: FileTree {
    let name: String
    private let file: OwnedDescriptor
    private var members: [[UInt8]: Member] = [:]

    private enum Member {
        case content(Range<Int64>)
        /// Another name of a member.
        case link([UInt8])
    }

    private static let maximumMembers = 100_000

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - directory: Where it is written decompressed, if need be.
    ///   - limit: Of its bytes then.
    init(
        _ path: String, spoolingIn directory: FileDescriptor, atMost limit: Int64,
        _ reporter: any Reporter
    ) throws(Failure) {
        let blob = try Blob(openingArchive: path)
        name = blob.name
        file = try Spool.file(of: blob, in: directory, atMost: limit, reporter)
        try within(name, try index())
    }

    private func index() throws(Failure) {
        let input = FileInput(file.borrowed)
        let reader = try unsafe ArchiveReader(
            from: { () throws(Failure) in try unsafe input.next() },
            skip: { count throws(Failure) in try input.skip(count) })
        while let entry = try reader.nextEntry() {
            let path = TarTree.cleaned(entry.path)
            switch entry.kind {
            case .regular:
                let (end, isTooLarge) = reader.offset.addingReportingOverflow(entry.size)
                if isTooLarge || entry.size < 0 {
                    throw Failure("\(shown(path)) in it has a size that no file has")
                }
                members[path] = .content(reader.offset..<end)
            case .hardLink: members[path] = .link(TarTree.cleaned(entry.linkTarget))
            case .symbolicLink:
                let parent = path.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? []
                members[path] = .link(TarTree.cleaned(parent + entry.linkTarget))
            default: break
            }
            if members.count > TarTree.maximumMembers {
                throw Failure(
                    "more than \(TarTree.maximumMembers) files, which no saved image has")
            }
        }
    }

    /// Without `.`, and with `..` carried out: names here are only compared.
    private static func cleaned(_ path: [UInt8]) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part == [UInt8(ascii: "."), UInt8(ascii: ".")] {
                _ = parts.popLast()
            } else if part != [UInt8(ascii: ".")] {
                parts.append(part)
            }
        }
        return Array(parts.joined(separator: [UInt8(ascii: "/")]))
    }

    func file(_ path: String) throws(Failure) -> Blob {
        var key = TarTree.cleaned(Array(path.utf8))
        for _ in 0..<8 {
            switch members[key] {
            case .content(let range):
                // Opened anew: it has an offset of its own.
                let copy = try attempt(
                    "open", on: name,
                    try HostPath.open("/proc/self/fd/\(file.borrowed.rawValue)", .readOnly))
                return Blob(file: copy, range: range, name: "\(name): \(shown(key))")
            case .link(let target): key = target
            case nil: throw Failure("\(name): it has no file \(shown(key))")
            }
        }
        throw Failure("\(name): too many links lead from \(shown(path))")
    }
}

/// A file that is read and skipped in.
@safe
private final class FileInput {
    private let file: FileDescriptor
    private let buffer: UnsafeMutableRawBufferPointer
    private var offset: Int64 = 0

    init(_ file: FileDescriptor) {
        self.file = file
        unsafe buffer = .allocate(byteCount: 64 << 10, alignment: 64)
    }

    func next() throws(Failure) -> UnsafeRawBufferPointer {
        try attempt("lseek", try file.moveOffset(to: offset))
        let count = try attempt("read", try unsafe file.readInto(buffer))
        offset += Int64(count)
        return unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    func skip(_ count: Int64) throws(Failure) -> Int64 {
        let size = try attempt("fstat", try FileStatus.of(file).size)
        let count = min(count, max(0, size - offset))
        offset += count
        return count
    }

    deinit {
        unsafe buffer.deallocate()
    }
}
