internal import LinuxSystem

/// The names of users, read once.
final class OwnerNames {
    private lazy var names: [UInt32: String] = {
        let bytes = (try? HostPath.read("/etc/passwd")) ?? []
        var names: [UInt32: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, let id = UInt32(fields[2]), names[id] == nil {
                names[id] = String(fields[0])
            }
        }
        return names
    }()

    /// Usually many containers have one owner.
    private var last: (id: UInt32, name: String)?

    func name(_ id: UInt32) -> String {
        if let last, last.id == id { return last.name }
        let name = names[id] ?? "#\(id)"
        last = (id, name)
        return name
    }
}
