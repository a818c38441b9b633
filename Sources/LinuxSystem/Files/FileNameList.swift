internal import CLinux
internal import Glibc
public import SystemPackage

/// The names in a directory, in the order of their bytes.
///
/// All bytes lie in one piece of memory: a million names take little more than they are long.
public struct FileNameList: Sendable {
    private var text: [UInt8] = []
    /// Where each name starts in `text`, which ends each with a NUL.
    private var starts: [UInt32] = []

    /// A directory with longer names than this together is not held in memory.
    private static let mostBytes = 1 << 30

    /// Reads a directory that is open for reading. The corresponding C function is `readdir`.
    ///
    /// - Parameter limit: Names behind so many are left out.
    /// - Throws: `Errno.noMemory` for a directory that takes a gigabyte.
    public init(of directory: FileDescriptor, atMost limit: Int = .max) throws(Errno) {
        var stream: UnsafeMutableRawPointer?
        defer { unsafe clinux_end_entries(&stream) }
        errno = 0
        while starts.count < limit, let name = unsafe clinux_next_entry(directory.rawValue, &stream)
        {
            if text.count > FileNameList.mostBytes { throw .noMemory }
            starts.append(UInt32(text.count))
            let count = unsafe strlen(name) + 1
            unsafe name.withMemoryRebound(to: UInt8.self, capacity: count) {
                unsafe text.append(contentsOf: UnsafeBufferPointer(start: $0, count: count))
            }
        }
        if starts.count < limit && errno != 0 { throw Errno(rawValue: errno) }
        unsafe text.withUnsafeBufferPointer { text in
            starts.sort { one, other in
                guard let base = text.baseAddress else { return false }
                return unsafe strcmp(base + Int(one), base + Int(other)) < 0
            }
        }
    }

    public var count: Int { starts.count }

    public subscript(index: Int) -> FileName {
        let start = Int(starts[index])
        let end = text[start...].firstIndex(of: 0) ?? text.endIndex
        return FileName(ofEntry: text[start..<end])
    }
}

extension FileDescriptor {
    /// Whether this directory, open for reading, holds nothing.
    public var isEmpty: Bool {
        get throws(Errno) { try FileNameList(of: self, atMost: 1).count == 0 }
    }
}
