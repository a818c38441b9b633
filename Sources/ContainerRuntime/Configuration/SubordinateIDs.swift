internal import LinuxSystem

/// Ids that the administrator has set aside for users (subuid(5), subgid(5)): lines of
/// `owner:first:count`, the owner a login name or a number.
enum SubordinateIDs {
    /// The ranges of one owner, in the order of the file. What is no such line says nothing.
    static func ranges(
        in text: [UInt8], of name: String?, _ id: UInt32
    ) -> [(first: UInt32, count: UInt32)] {
        var found: [(first: UInt32, count: UInt32)] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count == 3, let first = UserLookup.id(fields[1]),
                let count = UserLookup.id(fields[2]), count > 0,
                UInt64(first) + UInt64(count) <= UInt64(UInt32.max)
            else { continue }
            let owner = String(decoding: fields[0], as: UTF8.self)
            let isNumber = UserLookup.id(fields[0]) == id
            if isNumber || (name != nil && owner == name) { found.append((first, count)) }
        }
        return found
    }

    /// The login name of a user by passwd(5).
    static func name(of id: UInt32, passwd: [UInt8]) -> String? {
        for line in passwd.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count == 7, UserLookup.id(fields[2]) == id, !fields[0].isEmpty else {
                continue
            }
            return String(decoding: fields[0], as: UTF8.self)
        }
        return nil
    }
}
