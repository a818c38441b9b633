internal import Archives
internal import LinuxSystem
internal import SystemPackage

/// The user that an image's config names, as numbers.
struct ImageUser: Sendable, Hashable {
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
    /// Of the groups that list the user as a member.
    var additionalGroups: [UInt32] = []
}

/// passwd(5) and group(5) of an image, as its layers together have them. The image wrote them:
/// they are read as regular files beneath the layers' roots, up to a size, and a line that is not
/// whole counts as none (CVE-2016-3697, CVE-2024-40635).
struct UserDatabase {
    private let passwd: [[ArraySlice<UInt8>]]
    private let group: [[ArraySlice<UInt8>]]

    init(passwd: [UInt8], group: [UInt8]) {
        self.passwd = UserDatabase.lines(passwd, fields: 7)
        self.group = UserDatabase.lines(group, fields: 4)
    }

    /// - Parameter layers: The topmost first.
    init(layers: [LayerRoot]) throws(ImageError) {
        self.init(
            passwd: try LayerRoot.read("passwd", in: layers) ?? [],
            group: try LayerRoot.read("group", in: layers) ?? [])
    }

    private static func lines(_ text: [UInt8], fields: Int) -> [[ArraySlice<UInt8>]] {
        text.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }).map {
            $0.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        }.filter { $0.count == fields }
    }

    /// `user`, `uid`, `user:group`, `uid:gid` and what lies between; empty is root.
    func find(_ text: String) throws(ImageError) -> ImageUser {
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
            throw ImageError(
                "the image's user is \(shown(name)), which is neither a number nor in the image's"
                    + " /etc/passwd; write process.user into config.json by hand")
        }
        if parts.count > 1 && !parts[1].isEmpty {
            found.groupID = try findGroup(Array(parts[1].utf8))
            return found
        }
        // A number that a line has is that line's user.
        let member = line?[0] ?? passwd.first { UserDatabase.id($0[2]) == found.userID }?[0]
        for line in group
        where line[3].split(separator: UInt8(ascii: ",")).contains(where: {
            $0 == member
        }) {
            if let id = UserDatabase.id(line[2]), id != found.groupID,
                !found.additionalGroups.contains(id), found.additionalGroups.count < 1000
            {
                found.additionalGroups.append(id)
            }
        }
        return found
    }

    private func findGroup(_ name: [UInt8]) throws(ImageError) -> UInt32 {
        if let line = group.first(where: { $0[0] == name[...] }), let id = UserDatabase.id(line[2])
        {
            return id
        }
        if let number = UserDatabase.id(name[...]) { return number }
        throw ImageError(
            "the image's group is \(shown(name)), which is neither a number nor in the image's"
                + " /etc/group; write process.user into config.json by hand")
    }

    /// Decimal digits and nothing else, in the range of an id: −1 is none.
    private static func id(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt32(String(decoding: digits, as: UTF8.self)), number != .max
        else { return nil }
        return number
    }
}

/// The root of a layer that lies there, for looking into what an overlay of them will show.
final class LayerRoot {
    private let root: RootDirectory
    private let privilege: Privilege

    init(_ root: consuming RootDirectory, _ privilege: Privilege) {
        self.root = root
        self.privilege = privilege
    }

    /// Larger files are not read.
    private static let limit = 1 << 20

    /// `/etc/NAME` of the layers together; nil where there is none, and where it is no regular
    /// file.
    ///
    /// - Parameter layers: The topmost first.
    static func read(_ name: String, in layers: [LayerRoot]) throws(ImageError) -> [UInt8]? {
        for layer in layers {
            switch layer.find(name) {
            case .content(let bytes): return bytes
            case .nothing: return nil
            case .below: continue
            }
        }
        return nil
    }

    private enum Finding {
        case content([UInt8])
        /// There is none, and those below do not count.
        case nothing
        case below
    }

    private func find(_ name: String) -> Finding {
        guard let etc = FileName("etc"), let file = FileName(name) else { return .nothing }
        do throws(Errno) {
            let directory = try root.borrowed.enter(etc)
            let isOpaque =
                root.borrowed.attribute(of: etc, privilege.opaqueAttribute) == [UInt8(ascii: "y")]
            guard let status = try? FileStatus.of(file, in: directory.borrowed) else {
                return isOpaque ? .nothing : .below
            }
            if status.kind != .regular { return .nothing }
            let opened = try directory.borrowed.open(
                file, [.readOnly, .nonBlocking, .noControllingTerminal])
            if try FileStatus.of(opened.borrowed).kind != .regular { return .nothing }
            return .content(try opened.borrowed.readAll(limit: LayerRoot.limit))
        } catch .noSuchFileOrDirectory {
            return .below
        } catch {
            return .nothing
        }
    }
}
