import Glibc

/// Every inode below a directory, to tell afterwards what has been touched.
struct TreeSnapshot {
    private struct Entry: Hashable {
        var inode: ino_t
        var mode: mode_t
        var owner: [UInt32]
        var device: dev_t
        var size: off_t
        var modified: [Int]
        /// Of what has one name only: another test that links the same file changes it.
        var changed: [Int]
    }

    private var entries: [String: Entry] = [:]
    private let root: String

    init(_ root: String) {
        self.root = root
        add(root)
    }

    private mutating func add(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        let isAlone = isDirectory || status.st_nlink == 1
        entries[path] = Entry(
            inode: status.st_ino, mode: status.st_mode, owner: [status.st_uid, status.st_gid],
            device: status.st_rdev, size: status.st_size,
            modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec],
            changed: isAlone ? [status.st_ctim.tv_sec, status.st_ctim.tv_nsec] : [])
        if isDirectory { for name in TreeSnapshot.names(in: path) { add(path + "/" + name) } }
    }

    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// What differs in `later`, one sentence each, outside of the trees `except`; a directory that
    /// one of them has been made in has changed by that.
    func differences(to later: TreeSnapshot, except: Set<String>) -> [String] {
        func isExcepted(_ path: String) -> Bool {
            except.contains { tree in
                path == tree || path.hasPrefix(tree + "/")
                    || (entries[tree] == nil && tree.hasPrefix(path + "/")
                        && !tree.dropFirst(path.count + 1).contains("/"))
            }
        }
        var found: [String] = []
        for (path, entry) in entries where !isExcepted(path) {
            guard let now = later.entries[path] else {
                found.append("\(path) is gone")
                continue
            }
            if now != entry { found.append("\(path) was \(entry), is \(now)") }
        }
        for path in later.entries.keys where entries[path] == nil && !isExcepted(path) {
            found.append("\(path) is new")
        }
        return found.sorted()
    }
}
