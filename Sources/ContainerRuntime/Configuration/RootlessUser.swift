public import LinuxSystem
internal import SystemPackage

/// Somebody who is not root, and what they may give a container.
public struct RootlessUser: Sendable, Hashable {
    /// Outside of the container.
    public var userID: UInt32
    public var groupID: UInt32
    /// Set aside for them, and the programs that give them; nil without these.
    public var subordinates: Subordinates?
    /// All there are in their user namespace, where they have the right to give these.
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

    /// Whoever runs this process.
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

    /// The mappings of a container whose program runs as `process`: root is the user itself, and
    /// the ids above are those that are set aside. Where none are, the program's own ids are the
    /// user's, and there are no others.
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

    /// Those of a container whose root is the user itself.
    public var ownMappings: IDMappings {
        mappings(for: Configuration.User(userID: 0, groupID: 0, additionalGroupIDs: [])).mappings
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

    /// Who writes mappings that the config has; nil: nobody can.
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
    /// Nil where the programs or the ids are missing.
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
