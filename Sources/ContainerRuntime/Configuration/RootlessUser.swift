public import LinuxSystem
internal import SystemPackage

/// A caller without root privileges, and the ids that are available to its containers.
public struct RootlessUser: Sendable, Hashable {
    /// Outside of the container.
    public var userID: UInt32
    public var groupID: UInt32
    /// Its subordinate ids, and the programs that map them; nil without these.
    public var subordinates: Subordinates?
    /// All ids of its user namespace, where it has the capability to map them.
    public var own: IDMappings?

    public struct Subordinates: Sendable, Hashable {
        /// `inside` says nothing yet.
        public var users: [IDRange]
        public var groups: [IDRange]
        /// newuidmap(1) and newgidmap(1), by their paths.
        public var userHelper: String
        public var groupHelper: String

        public init(
            users: [IDRange], groups: [IDRange], userHelper: String, groupHelper: String
        ) {
            self.users = users
            self.groups = groups
            self.userHelper = userHelper
            self.groupHelper = groupHelper
        }
    }

    public init(userID: UInt32, groupID: UInt32, subordinates: Subordinates? = nil) {
        self.userID = userID
        self.groupID = groupID
        self.subordinates = subordinates
    }

    /// Root of the user namespace that this process is in.
    public static var root: RootlessUser {
        var user = RootlessUser(userID: 0, groupID: 0)
        user.own = try? IDMappings.ofThisProcess()
        return user
    }

    /// The caller of this process.
    public static var current: RootlessUser {
        var user = RootlessUser(
            userID: Credentials.effectiveUser, groupID: Credentials.effectiveGroup)
        if let own = try? IDMappings.ofThisProcess(), own.users.ranges.first?.count != .max,
            own.users.hasSeveral, own.groups.hasSeveral,
            CapabilitySet.permitted.isSuperset(of: [.setUserID, .setGroupID])
        {
            user.own = own
            return user
        }
        user.subordinates = Subordinates.found(user.userID)
        return user
    }

    /// The mappings of a container whose program runs as root.
    var allMappings: IDMappings {
        mappings(
            for: Configuration.User(
                userID: 0, groupID: 0, additionalGroupIDs: [], fileModeMask: nil)
        ).mappings
    }

    /// The mappings of a container whose program runs as `process`: root is mapped to the caller, and
    /// the ids above to the subordinate ids. Without subordinate ids, the ids of the program are
    /// mapped to those of the caller, and there are no others.
    func mappings(
        for process: Configuration.User
    ) -> (mappings: IDMappings, writer: Configuration.MappingWriter) {
        if let own {
            return (IDMappings(users: own.users.identity, groups: own.groups.identity), .runtime)
        }
        if let subordinates {
            return (
                IDMappings(
                    users: RootlessUser.map(userID, subordinates.users),
                    groups: RootlessUser.map(groupID, subordinates.groups)),
                .helpers(users: subordinates.userHelper, groups: subordinates.groupHelper)
            )
        }
        return (
            IDMappings(
                users: IDMap([IDRange(inside: process.userID, outside: userID, count: 1)]),
                groups: IDMap([IDRange(inside: process.groupID, outside: groupID, count: 1)])),
            .itself
        )
    }

    /// Root is the caller; no other id is mapped.
    public var oneMapping: IDMappings {
        IDMappings(
            users: IDMap([IDRange(inside: 0, outside: userID, count: 1)]),
            groups: IDMap([IDRange(inside: 0, outside: groupID, count: 1)]))
    }

    private static func map(_ own: UInt32, _ ranges: [IDRange]) -> IDMap {
        var found = [IDRange(inside: 0, outside: own, count: 1)]
        var next: UInt32 = 1
        for range in ranges where range.count <= UInt32.max - next {
            found.append(IDRange(inside: next, outside: range.outside, count: range.count))
            next += range.count
        }
        return IDMap(found)
    }

    /// The writer of mappings of the config; nil: the caller has no right to them.
    func writer(of mappings: IDMappings) -> Configuration.MappingWriter? {
        if own != nil { return .runtime }
        func isOwn(_ map: IDMap, _ id: UInt32) -> Bool {
            map.ranges.count == 1 && map.ranges[0].outside == id && map.ranges[0].count == 1
        }
        if isOwn(mappings.users, userID) && isOwn(mappings.groups, groupID) { return .itself }
        return subordinates.map { .helpers(users: $0.userHelper, groups: $0.groupHelper) }
    }
}

extension IDMap {
    fileprivate var hasSeveral: Bool { ranges.reduce(0) { $0 + UInt64($1.count) } > 1 }

    /// Every id that is inside stands for itself.
    fileprivate var identity: IDMap {
        IDMap(ranges.map { IDRange(inside: $0.inside, outside: $0.inside, count: $0.count) })
    }
}

extension RootlessUser.Subordinates {
    /// nil if the programs or the ids are missing.
    fileprivate static func found(_ id: UInt32) -> RootlessUser.Subordinates? {
        guard let userHelper = MappingProgram.find(MappingProgram.users),
            let groupHelper = MappingProgram.find(MappingProgram.groups)
        else { return nil }
        let found = SubordinateIDs.found(for: id)
        if found.users.isEmpty || found.groups.isEmpty { return nil }
        func ranges(_ found: [SubordinateIDs.Range]) -> [IDRange] {
            found.map { IDRange(inside: 0, outside: $0.first, count: $0.count) }
        }
        return Self(
            users: ranges(found.users), groups: ranges(found.groups), userHelper: userHelper,
            groupHelper: groupHelper)
    }
}
