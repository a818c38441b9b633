internal import ContainerRuntime
internal import LinuxSystem

/// The user that the program runs as, and the ids of the sandbox's user namespace.
struct SandboxUser {
    /// Inside.
    var userID: UInt32
    var groupID: UInt32
    var mappings: IDMappings
    /// Whether the ids inside stand for others outside, so that mounts have to be id-mapped.
    var isShifted = false
    /// Whether root was asked for.
    var isRoot = false

    /// - Parameters:
    ///   - word: The value of `-u`; nil: the caller.
    ///   - names: Of the base.
    ///   - range: A range of ids of its own, for root.
    init(
        _ word: String?, _ names: BaseNames, _ host: SandboxHost, range: IDMappings?
    ) throws(Failure) {
        do throws(Failure) {
            (userID, groupID) = try SandboxUser.ids(word, names, host)
        } catch {
            throw error.within("-u \((word ?? "").inQuotes)")
        }
        isRoot = word != nil && userID == 0
        if let range {
            mappings = range
            isShifted = true
        } else if let own = host.rootless?.own {
            mappings = IDMappings(
                users: SandboxUser.identity(own.users), groups: SandboxUser.identity(own.groups))
        } else {
            mappings = SandboxUser.ordinary(
                userID, groupID, host, hasSubordinates: word != nil)
        }
        if !mappings.users.maps(userID) || !mappings.groups.maps(groupID) {
            throw Failure(
                "-u \((word ?? "").inQuotes): the user \(userID):\(groupID) has no id outside; "
                    + (isShifted
                        ? "the ids of a sandbox go from 0 to 65535"
                        : "add subordinate ids of the caller to /etc/subuid and /etc/subgid, or use"
                            + " -u 0"))
        }
    }

    private static func identity(_ map: IDMap) -> IDMap {
        IDMap(
            map.ranges.map { IDRange(inside: $0.inside, outside: $0.inside, count: $0.count) })
    }

    /// The caller stands behind the program's user. Where the caller names a user, the subordinate
    /// ids stand behind the others, from 0 on.
    private static func ordinary(
        _ user: UInt32, _ group: UInt32, _ host: SandboxHost, hasSubordinates: Bool
    ) -> IDMappings {
        let own = host.rootless?.subordinates
        func map(_ inside: UInt32, _ outside: UInt32, _ ranges: [IDRange]?) -> IDMap {
            var found = [IDRange(inside: inside, outside: outside, count: 1)]
            guard hasSubordinates, let ranges else { return IDMap(found) }
            var next: UInt32 = 0
            for range in ranges where range.count <= UInt32.max - 1 - next {
                var first = range.outside
                var left = range.count
                if next <= inside && inside - next < left {
                    let before = inside - next
                    if before > 0 {
                        found.append(IDRange(inside: next, outside: first, count: before))
                    }
                    next = inside + 1
                    first += before
                    left -= before
                }
                if left > 0 {
                    found.append(IDRange(inside: next, outside: first, count: left))
                    next += left
                }
            }
            return IDMap(found)
        }
        return IDMappings(
            users: map(user, host.userID, own?.users), groups: map(group, host.groupID, own?.groups)
        )
    }

    /// `UID[:GID]`, or names.
    private static func ids(
        _ word: String?, _ names: BaseNames, _ host: SandboxHost
    ) throws(Failure) -> (UInt32, UInt32) {
        guard let word else { return (host.userID, host.groupID) }
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        if parts[0].isEmpty { throw Failure("the name is empty; is a variable unset?") }
        let passwd = names.passwd
        let user: UInt32
        var group: UInt32
        if let number = UInt32(parts[0]), number < .max {
            user = number
            group =
                number == host.userID
                ? host.groupID : PasswordEntry.find(number, in: passwd)?.groupID ?? number
        } else if let entry = PasswordEntry.find(parts[0], in: passwd) {
            (user, group) = (entry.userID, entry.groupID)
        } else if parts[0] == host.name {
            (user, group) = (host.userID, host.groupID)
        } else {
            throw Failure(
                "the user \(parts[0].inQuotes) is neither in /etc/passwd of the sandbox nor an id; an id"
                    + " is a number from 0 to \(UInt32.max - 1)")
        }
        if parts.count > 1 { group = try self.group(parts[1], names, host) }
        return (user, group)
    }

    private static func group(
        _ word: String, _ names: BaseNames, _ host: SandboxHost
    ) throws(Failure) -> UInt32 {
        if let number = UInt32(word), number < .max { return number }
        if let found = names.group(word) { return found }
        throw Failure(
            "the group \(word.inQuotes) is neither in /etc/group of the sandbox nor an id; an id is a"
                + " number from 0 to \(UInt32.max - 1)")
    }
}

/// What the program reads of its user.
extension SandboxUser {
    /// - Parameter passwd: Of the base; empty where the sandbox has a file of its own.
    func home(_ host: SandboxHost, _ passwd: [UInt8]) -> String {
        if userID == host.userID { return host.homeInside }
        if userID == 0 { return "/root" }
        if let home = PasswordEntry.find(userID, in: passwd)?.home, home.hasPrefix("/") {
            return HostPath.cleaned(home)
        }
        return "/home/user"
    }

    private func name(_ host: SandboxHost) -> String {
        userID == host.userID ? host.name : userID == 0 ? "root" : "user"
    }

    /// The content of /etc/passwd: root, nobody and the program's user.
    func passwd(_ host: SandboxHost) -> String {
        var lines = ["root:x:0:0:root:/root:/bin/sh"]
        if userID != 0 && userID != 65534 {
            let name = name(host)
            lines.append("\(name):x:\(userID):\(groupID):\(name):\(home(host, [])):/bin/sh")
        }
        lines.append("nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The content of /etc/group.
    func group(_ host: SandboxHost) -> String {
        var lines = ["root:x:0:"]
        if groupID != 0 && groupID != 65534 { lines.append("\(name(host)):x:\(groupID):") }
        lines.append("nogroup:x:65534:")
        return lines.joined(separator: "\n") + "\n"
    }
}
