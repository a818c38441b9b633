internal import Archives
internal import Layers
internal import LinuxSystem

/// passwd(5) and group(5) of an image, as its layers together have them. The image wrote them:
/// they are read as regular files beneath the layers' roots, up to a size, and a line that is not
/// whole counts as none (CVE-2016-3697, CVE-2024-40635).
struct UserDatabase {
    private let passwd: [[ArraySlice<UInt8>]]
    private let group: [[ArraySlice<UInt8>]]

    init(passwd: [UInt8], group: [UInt8]) {
        // Home and shell are of no interest, and may be missing.
        self.passwd = UserDatabase.lines(passwd, fields: 4)
        self.group = UserDatabase.lines(group, fields: 3)
    }

    /// Larger files are not read.
    private static let limit = 1 << 20

    init(_ layers: LayerStack) {
        self.init(
            passwd: UserDatabase.read("/etc/passwd", in: layers),
            group: UserDatabase.read("/etc/group", in: layers))
    }

    /// Nothing for what cannot be read: a user that is not found then is an error.
    private static func read(_ path: String, in layers: LayerStack) -> [UInt8] {
        (try? layers.content(of: path, limit: limit)) ?? []
    }

    private static func lines(_ text: [UInt8], fields: Int) -> [[ArraySlice<UInt8>]] {
        text.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }).map {
            $0.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        }.filter { $0.count >= fields }
    }

    /// `user`, `uid`, `user:group`, `uid:gid` and what lies between; empty is root.
    func find(_ text: String) throws(Failure) -> ImageUser {
        var found = ImageUser()
        if text.isEmpty { return found }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = Array(parts[0].utf8)
        let line = passwd.first { $0[0] == name[...] }
        if let line, let user = UserDatabase.id(line[2]), let group = UserDatabase.id(line[3]) {
            found.userID = user
            found.groupID = group
        } else if let number = UserDatabase.id(name[...]) {
            found.userID = number
            let own = passwd.first { UserDatabase.id($0[2]) == number }
            found.groupID = own.flatMap { UserDatabase.id($0[3]) } ?? 0
        } else {
            throw Failure(
                "the image's user is \(shown(name)), which is neither a number nor in the image's"
                    + " /etc/passwd; set process.user in config.json")
        }
        if parts.count > 1 && !parts[1].isEmpty {
            found.groupID = try findGroup(Array(parts[1].utf8))
            return found
        }
        // A number that a line has is that line's user.
        let member = line?[0] ?? passwd.first { UserDatabase.id($0[2]) == found.userID }?[0]
        for line in group
        where line.count > 3
            && line[3].split(separator: UInt8(ascii: ",")).contains(where: {
                $0 == member
            })
        {
            if let id = UserDatabase.id(line[2]), id != found.groupID,
                !found.additionalGroups.contains(id), found.additionalGroups.count < 1000
            {
                found.additionalGroups.append(id)
            }
        }
        return found
    }

    private func findGroup(_ name: [UInt8]) throws(Failure) -> UInt32 {
        if let line = group.first(where: { $0[0] == name[...] }), let id = UserDatabase.id(line[2])
        {
            return id
        }
        if let number = UserDatabase.id(name[...]) { return number }
        throw Failure(
            "the image's group is \(shown(name)), which is neither a number nor in the image's"
                + " /etc/group; set process.user in config.json")
    }

    /// Decimal digits and nothing else, in the range of an id: −1 is none.
    private static func id(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt32(String(decoding: digits, as: UTF8.self)), number != .max
        else { return nil }
        return number
    }
}
