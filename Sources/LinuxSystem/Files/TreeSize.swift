public import SystemPackage

/// What files take on the disk, while other processes change them: by descriptors, no link followed.
public struct TreeSize: Sendable, Hashable {
    public private(set) var bytes: UInt64 = 0
    /// Directories included.
    public private(set) var files: UInt64 = 0
    /// Of those with several names, which count once.
    private var known: Set<Identity> = []
    private let mostBytes: UInt64
    private let mostFiles: UInt64

    /// A tree that is nested deeper is not measured: each level holds a descriptor.
    static let deepest = 256

    /// - Parameters:
    ///   - bytes: What is more is not measured.
    ///   - files: The same.
    public init(atMost bytes: UInt64 = .max, files: UInt64 = .max) {
        mostBytes = bytes
        mostFiles = files
    }

    public var isExceeded: Bool { bytes > mostBytes || files > mostFiles }

    /// Adds the files of a tree.
    ///
    /// - Throws: Also where a directory may not be listed. `Errno.tooManySymbolicLinkLevels` where the
    ///   tree is nested too deep.
    ///
    /// The corresponding C functions are `openat`, `getdents64` and `fstatat`.
    public mutating func add(tree: FileDescriptor) throws(Errno) {
        var levels = [try level(tree.open(".", [.readOnly, .directory]))]
        while let level = levels.last, !isExceeded {
            guard let name = level.next() else {
                levels.removeLast()
                continue
            }
            do throws(Errno) {
                let status = try FileStatus.of(name, in: level.descriptor)
                add(status)
                guard status.kind == .directory else { continue }
                if levels.count >= TreeSize.deepest { throw .tooManySymbolicLinkLevels }
                levels.append(
                    try self.level(level.descriptor.open(name, [.readOnly, .directory])))
            } catch .noSuchFileOrDirectory, .notDirectory {
                // What is gone by now counts nothing.
            }
        }
    }

    /// Adds the files of overlays that have no name any more, as long as a process below `root` has them
    /// open. Those that are in no table of descriptors, as in a message that nobody has received or in
    /// memory alone, are not found.
    ///
    /// - Parameter others: Processes below it that do not count.
    ///
    /// The corresponding C functions are `open` with `O_PATH`, `fstat` and `fstatfs`.
    public mutating func addUnlinked(ofProcessesBelow root: Int32, without others: [Int32]) {
        for process in ProcessTree.processes(below: root) where !others.contains(process) {
            // A thread may have a table of its own, and outlive the first one.
            let threads = "/proc/\(process)/task"
            for thread in (try? HostPath.directories(in: threads)) ?? [] {
                addUnlinked(in: "\(threads)/\(thread)/fd")
            }
        }
    }

    /// - Parameter place: A table of descriptors in `/proc`. Of a thread that has ended there is nothing.
    private mutating func addUnlinked(in place: String) {
        guard let table = try? HostPath.open(place, [.readOnly, .directory]),
            let names = try? FileNameList(of: table.borrowed)
        else { return }
        for index in 0..<names.count where !isExceeded {
            guard let file = try? HostPath.open("\(place)/\(names[index].text)", .path),
                let status = try? FileStatus.of(file.borrowed),
                status.kind == .regular, status.linkCount == 0,
                (try? FileSystemMagic.of(file.borrowed)) == .overlay
            else { continue }
            add(status)
        }
    }

    private mutating func add(_ status: FileStatus) {
        if status.linkCount != 1, status.kind != .directory,
            !known.insert(Identity(status)).inserted
        {
            return
        }
        bytes += UInt64(max(status.allocated, 0))
        files += 1
    }

    private func level(_ directory: consuming OwnedDescriptor) throws(Errno) -> TreeLevel {
        // Those behind are not counted either.
        try TreeLevel(directory, atMost: mostFiles == .max ? .max : Int(clamping: mostFiles + 1))
    }

    private struct Identity: Sendable, Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: FileStatus) { (device, inode) = (status.device, status.inode) }
    }
}

/// An open directory on the way through a tree, and the names in it that are still to come.
final class TreeLevel {
    private let directory: OwnedDescriptor
    private let names: FileNameList
    private var index = 0

    init(_ directory: consuming OwnedDescriptor, atMost limit: Int = .max) throws(Errno) {
        names = try FileNameList(of: directory.borrowed, atMost: limit)
        self.directory = directory
    }

    var descriptor: FileDescriptor { directory.borrowed }

    func next() -> FileName? {
        if index == names.count { return nil }
        defer { index += 1 }
        return names[index]
    }
}
