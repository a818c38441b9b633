import CLinux
import Glibc

/// All there is to say of the files in a tree, by their paths, of which each byte is a character.
struct TreeRecord {
    struct Entry: Hashable, CustomStringConvertible {
        var mode: mode_t
        var owner: [UInt32]
        var size: off_t
        var device: dev_t
        var modified: [Int]
        var content: [UInt8]
        var attributes: [String: [UInt8]]
        /// The first path of the same file.
        var link: String

        var description: String {
            "\(String(mode, radix: 8)) \(owner) \(size) bytes, device \(device), \(modified),"
                + " content \(content.count) \(content.reduce(0) { ($0 &* 31) &+ Int($1) }),"
                + " \(attributes.keys.sorted()) \(attributes.values.map(\.count)) \(link)"
        }
    }

    private(set) var entries: [String: Entry] = [:]
    private var links: [ino_t: String] = [:]

    init(_ root: String) {
        let directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        add(directory, "")
    }

    private mutating func add(_ directory: CInt, _ path: String) {
        guard let stream = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        else { return }
        var names: [[CChar]] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            if name != [0x2e, 0] && name != [0x2e, 0x2e, 0] { names.append(name) }
        }
        closedir(stream)
        names.sort { one, other in strcmp(one, other) < 0 }
        for name in names {
            let text = String(
                String.UnicodeScalarView(
                    name.dropLast().map { Unicode.Scalar(UInt8(bitPattern: $0)) }))
            add(name, path.isEmpty ? text : path + "/" + text, directory)
        }
    }

    private mutating func add(_ name: [CChar], _ path: String, _ directory: CInt) {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        let kind = status.st_mode & S_IFMT
        var content: [UInt8] = []
        if kind == S_IFLNK {
            var target = [CChar](repeating: 0, count: 4096)
            let count = max(0, readlinkat(directory, name, &target, target.count))
            content = target[..<count].map { UInt8(bitPattern: $0) }
        } else if kind == S_IFREG && status.st_size < 1 << 24 {
            let file = openat(directory, name, O_RDONLY | O_CLOEXEC)
            content = Host.bytes("/proc/self/fd/\(file)") ?? []
            close(file)
        }
        var link = ""
        if kind != S_IFDIR && status.st_nlink > 1 {
            link = links[status.st_ino] ?? path
            links[status.st_ino] = link
        }
        entries[path] = Entry(
            mode: status.st_mode, owner: [status.st_uid, status.st_gid],
            size: kind == S_IFREG ? status.st_size : 0, device: status.st_rdev,
            modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec], content: content,
            attributes: TreeRecord.attributes(directory, name), link: link)
        if kind == S_IFDIR {
            let child = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            add(child, path)
            close(child)
        }
    }

    private static func attributes(_ directory: CInt, _ name: [CChar]) -> [String: [UInt8]] {
        var list = [CChar](repeating: 0, count: 65536)
        let count = max(0, clinux_list_attributes(directory, name, &list, list.count))
        var found: [String: [UInt8]] = [:]
        for word in list[..<count].split(separator: 0) {
            let attribute = String(decoding: word.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            var value = [UInt8](repeating: 0, count: 65536)
            let size = max(
                0, clinux_get_attribute(directory, name, attribute, &value, value.count))
            found[attribute] = Array(value[..<size])
        }
        return found
    }

    /// What differs, a sentence each.
    func differences(to other: TreeRecord) -> [String] {
        var found: [String] = []
        for (path, entry) in entries where other.entries[path] != entry {
            let name = path.count > 80 ? path.prefix(40) + "…" + path.suffix(30) : path
            found.append(
                "\(name): \(entry) is \(other.entries[path]?.description ?? "not there")")
        }
        for path in other.entries.keys where entries[path] == nil {
            found.append("\(path.prefix(80)) is new")
        }
        return found.sorted()
    }
}
