internal import LinuxSystem
internal import SystemPackage

/// A directory of this process's own on the tree's file system, which no other user enters: new files
/// are written in it before one rename gives them their names, and what was there before is kept in
/// it. Files of one apply are numbered.
final class ApplyStore {
    let directory: LayerDirectory
    private let path: String
    private var last: UInt64 = 0

    /// - Parameters:
    ///   - directory: Open for reading.
    ///   - path: For messages.
    init(_ directory: LayerDirectory, path: String) {
        self.directory = directory
        self.path = path
    }

    /// Of one of its files, for a message.
    func path(of name: FileName) -> String { "\(path)/\(name.text)".inQuotes }

    func next() -> UInt64 {
        last += 1
        return last
    }

    static func name(_ number: UInt64) -> FileName {
        FileName(number: number)
    }

    /// The file of a number; nil where there is none.
    func status(_ number: UInt64) throws(Errno) -> FileStatus? {
        try AppliedTree.status(ApplyStore.name(number), in: directory.borrowed)
    }

    func removeContents() throws(Errno) { try directory.borrowed.removeContents() }

    /// Whether it is so of something below the directory `name` in the store; false for other files.
    func holds(
        _ name: FileName, _ status: FileStatus, _ isSo: (FileStatus) -> Bool
    ) throws(Errno) -> Bool {
        if status.kind != .directory { return false }
        let opened = try directory.borrowed.openBeneath(name, [.readOnly, .directory])
        do throws(Failure) {
            var scan = try TreeScan(LayerDirectory(opened, layer: 0), .root)
            while let (_, status) = try scan.next() {
                if isSo(status) { return true }
            }
            return false
        } catch {
            throw error.errno ?? .invalidArgument
        }
    }
}
