internal import LinuxSystem

extension Origin {
    /// What is added for somebody who is not root.
    public static let rootless = Origin.builtIn("rootless")
}

extension Configuration {
    /// Adds what a container of somebody who is not root needs, and takes away what they cannot
    /// have and nobody asked for by name.
    ///
    /// - Returns: Why it cannot be.
    mutating func adapt(to user: RootlessUser) -> String? {
        if privilege == .nested && userNamespace == nil {
            if let own = user.own { dropUnmappedGroups(own.groups) }
            return nil
        }
        if adaptsToCaller && userNamespace?.path == nil { userNamespace?.mappings = nil }
        if privilege == .nested, userNamespace?.mappings == nil, userNamespace?.path == nil {
            let (mappings, writer) = user.mappings(for: process.user.value)
            userNamespace?.mappings = Setting(mappings, .rootless)
            userNamespace?.writer = writer
            dropUnmappedGroups(mappings.groups)
        }
        if privilege != .none { return nil }
        var namespace = userNamespace ?? UserNamespace()
        if !namespaces.new.value.contains(.user) && namespace.path == nil {
            namespaces.new.value.insert(.user)
        }
        if namespace.path == nil {
            if let given = namespace.mappings {
                guard let writer = user.writer(of: given.value) else {
                    return RootlessUser.noIDs
                }
                namespace.writer = writer
            } else {
                let (mappings, writer) = user.mappings(for: process.user.value)
                namespace.mappings = Setting(mappings, .rootless)
                namespace.writer = writer
            }
        }
        userNamespace = namespace
        if let groups = namespace.mappings?.value.groups { dropUnmappedGroups(groups) }
        return nil
    }

    /// `gid=5` of a devpts, which every config has and nobody needs: the kernel takes no group that
    /// is not mapped.
    private mutating func dropUnmappedGroups(_ groups: IDMap) {
        for index in mounts.indices {
            guard case .fileSystem("devpts", let source, var parameters) = mounts[index].kind else {
                continue
            }
            let dropped = parameters.filter {
                $0.key == "gid" && $0.value.flatMap { UInt32($0) }.map(groups.maps) == false
            }
            if dropped.isEmpty { continue }
            parameters.removeAll { $0.key == "gid" }
            mounts[index].optionText = mounts[index].optionText.split(separator: ",")
                .filter { !$0.hasPrefix("gid=") }.joined(separator: ",")
            mounts[index].kind = .fileSystem(
                type: "devpts", source: source, parameters: parameters)
        }
    }
}

extension RootlessUser {
    static let noIDs =
        "ids beside your own take newuidmap and newgidmap (the package uidmap, or shadow-utils) and"
        + " lines for you in /etc/subuid and /etc/subgid; the administrator adds both, or map one"
        + " user and one group to your own ids"
}
