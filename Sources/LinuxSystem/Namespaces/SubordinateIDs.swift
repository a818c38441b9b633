/// Ids that the administrator has set aside for users (subuid(5), subgid(5)): lines of
/// `owner:first:count`, the owner a login name or a number.
public enum SubordinateIDs {
    public struct Range: Sendable, Hashable {
        public var first: UInt32
        public var count: UInt32

        public init(first: UInt32, count: UInt32) {
            self.first = first
            self.count = count
        }

        /// Nil unless it is two numbers that name existing ids.
        fileprivate init?(_ first: ArraySlice<UInt8>, _ count: ArraySlice<UInt8>) {
            guard let first = UInt32(digits: first), let count = UInt32(digits: count), count > 0,
                UInt64(first) + UInt64(count) <= UInt64(UInt32.max)
            else { return nil }
            self.init(first: first, count: count)
        }
    }

    /// The ranges of one owner, in the order of the file, as getsubids(1) has them. What is no such
    /// line says nothing.
    public static func ranges(in text: [UInt8], of name: String?, _ id: UInt32) -> [Range] {
        var found: [Range] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count == 3, let range = Range(fields[1], fields[2]) else { continue }
            let isNamed = name.map { fields[0].elementsEqual($0.utf8) } ?? false
            if isNamed || UInt32(digits: fields[0]) == id {
                found.append(range)
            }
        }
        return found
    }

    /// The login name of a user by passwd(5); nil where it is not there.
    public static func name(of id: UInt32, passwd: [UInt8]) -> String? {
        for line in passwd.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count == 7, UInt32(digits: fields[2]) == id, !fields[0].isEmpty else {
                continue
            }
            return String(decoding: fields[0], as: UTF8.self)
        }
        return nil
    }
}

extension SubordinateIDs {
    /// Those of a user of this machine, of users and of groups.
    ///
    /// - Returns: Also the name that they were looked for by.
    public static func found(
        for id: UInt32
    ) -> (users: [Range], groups: [Range], name: String?) {
        let passwd = (try? HostPath.read("/etc/passwd")) ?? []
        // A user of a directory service is in no file. The name is a hint: newuidmap(1) knows the
        // caller's id, and gives no caller the ids of another user.
        let name =
            name(of: id, passwd: passwd)
            ?? CurrentProcess.environment("USER") ?? CurrentProcess.environment("LOGNAME")
        func ranges(_ path: String) -> [Range] {
            Self.ranges(in: (try? HostPath.read(path)) ?? [], of: name, id)
        }
        let (users, groups) = (ranges("/etc/subuid"), ranges("/etc/subgid"))
        if !users.isEmpty && !groups.isEmpty { return (users, groups, name) }
        let owner = name ?? String(id)
        guard asksService((try? HostPath.read("/etc/nsswitch.conf")) ?? []),
            let program = MappingProgram.find("getsubids")
        else { return (users, groups, name) }
        return (asked(program, [owner]), asked(program, ["-g", owner]), name)
    }

    /// The output of getsubids(1), which asks the same source as newuidmap(1); none where it fails.
    private static func asked(_ program: String, _ arguments: [String]) -> [Range] {
        let outcome = try? Program(
            path: program, arguments: ["getsubids"] + arguments, environment: ["LC_ALL=C"]
        ).run(input: [], outputLimit: 65536, within: 10_000_000_000)
        guard let outcome, outcome.ending == .exited(0) else { return [] }
        return ranges(listed: outcome.output)
    }

    /// Lines of `index: owner first count`.
    public static func ranges(listed text: [UInt8]) -> [Range] {
        text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "))
            return words.count < 4 ? nil : Range(words[words.count - 2], words[words.count - 1])
        }
    }

    /// Whether the ids are a directory service's: nsswitch.conf(5) names one for `subid`. As in shadow
    /// the first source is the only one.
    public static func asksService(_ configuration: [UInt8]) -> Bool {
        for line in configuration.split(separator: UInt8(ascii: "\n")) {
            let text = line.prefix { $0 != UInt8(ascii: "#") }
            let words = text.split { [0x20, 0x09].contains($0) }.map {
                String(decoding: $0, as: UTF8.self)
            }
            if words.first?.lowercased() == "subid:" {
                return words.count > 1 && words[1].lowercased() != "files"
            }
        }
        return false
    }
}
