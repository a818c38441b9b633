internal import JSON
internal import LinuxSystem
internal import OCISpec

/// Requirements of user and time namespaces.
extension Checks {
    func idMappings() {
        guard let linux = spec.linux else { return }
        let hasNamespace = linux.namespaces.contains { $0.type.value == .user }
        for (name, mappings) in [
            ("uidMappings", linux.uidMappings), ("gidMappings", linux.gidMappings),
        ] {
            if let first = mappings.first, !hasNamespace {
                diagnostics.error(
                    "linux.\(name) needs a user namespace; add an entry {\"type\": \"user\"} to"
                        + " linux.namespaces", at: first.offset)
            }
            check(mappings, name)
        }
        for mount in spec.mounts {
            check(mount.uidMappings, "uidMappings")
            check(mount.gidMappings, "gidMappings")
        }
    }

    private func check(
        _ mappings: [Spec.IDMapping], _ name: String
    ) {
        for (position, mapping) in mappings.enumerated() {
            if mapping.size.value == 0 {
                diagnostics.error("0 is an empty range; the minimum is 1", at: mapping.size.offset)
            }
            for first in [mapping.containerID, mapping.hostID]
            where UInt64(first.value) + UInt64(mapping.size.value) > UInt64(UInt32.max) {
                // The maximum of 32 bits is not an id; the kernel accepts a map up to the number before.
                if first.value == 0 && mapping.size.value == .max { continue }
                diagnostics.error(
                    "\(mapping.size.value) ids from \(first.value) on exceed the maximum id,"
                        + " \(UInt32.max - 1)", at: first.offset)
            }
            for other in mappings[..<position] {
                if overlaps(mapping.containerID.value, mapping, other.containerID.value, other) {
                    diagnostics.error(
                        "these container ids are mapped twice; remove one range", at: mapping.offset
                    )
                } else if overlaps(mapping.hostID.value, mapping, other.hostID.value, other) {
                    diagnostics.error(
                        "these host ids are mapped twice; remove one range",
                        at: mapping.offset)
                }
            }
        }
        if let first = mappings.first, Spec.map(mappings).isTooLong {
            diagnostics.error(
                "\(name) has \(mappings.count) ranges; the maximum of the kernel is 340, and less than"
                    + " 4096 bytes of text", at: first.offset)
        }
    }

    private func overlaps(
        _ one: UInt32, _ mapping: Spec.IDMapping, _ other: UInt32, _ second: Spec.IDMapping
    ) -> Bool {
        UInt64(one) < UInt64(other) + UInt64(second.size.value)
            && UInt64(other) < UInt64(one) + UInt64(mapping.size.value)
    }

    func userNamespace() {
        guard let linux = spec.linux,
            let entry = linux.namespaces.first(where: { $0.type.value == .user })
        else { return }
        let isPartial = linux.uidMappings.isEmpty != linux.gidMappings.isEmpty
        let isJoined = entry.path?.value.isEmpty == false
        // Without root privileges missing mappings are filled in.
        let lacksMappings =
            !isJoined && linux.uidMappings.isEmpty && request.invocation.privilege != .none
        if isPartial || lacksMappings {
            diagnostics.error(
                "a new user namespace needs linux.uidMappings and linux.gidMappings, from container"
                    + " ids to host ids", at: entry.offset)
        }
    }

    func rootlessIDs() {
        guard request.userNamespace.lacksIDs else { return }
        var offset = diagnostics.document.root.offset
        if case .config(let found) = request.userNamespace.namespace?.mappings?.origin {
            offset = found
        }
        diagnostics.error(RootlessUser.noIDs, at: offset)
    }

    /// The user and the groups of the container process are mapped.
    func mappedUser() {
        guard request.invocation.joining == nil, let process = spec.process,
            let mappings = request.userNamespace.namespace?.mappings
        else { return }
        let user = Configuration.User(process.user)
        if !mappings.value.users.maps(user.userID) {
            refuse(
                "user", user.userID, mappings.origin, process.user?.uid?.offset ?? process.offset)
        }
        if !mappings.value.groups.maps(user.groupID) {
            refuse(
                "group", user.groupID, mappings.origin, process.user?.gid?.offset ?? process.offset)
        }
        for group in process.user?.additionalGids ?? []
        where !mappings.value.groups.maps(group.value) {
            refuse("group", group.value, mappings.origin, group.offset)
        }
    }

    private func refuse(_ kind: String, _ id: UInt32, _ origin: Origin, _ offset: Int) {
        let list = kind == "user" ? "uid" : "gid"
        let advice =
            origin == .rootless
            ? "add subordinate ids of the caller to /etc/sub\(list)"
            : "add it to linux.\(list)Mappings"
        diagnostics.error(
            "the \(kind) \(id) is not mapped in the user namespace of the container; \(advice)",
            at: offset)
    }

    func timeOffsets() {
        guard let linux = spec.linux else { return }
        let own = linux.namespaces.first { $0.type.value == .time }
        for offset in linux.timeOffsets {
            let known = Spec.Linux.TimeOffset.clocks
            if !known.contains(offset.clock.value) {
                diagnostics.error(
                    "\"\(offset.clock.value)\" is not a clock of a time namespace; allowed are "
                        + known.joined(separator: ", "), at: offset.clock.offset)
            }
            if offset.nanoseconds > 999_999_999 {
                diagnostics.error(
                    "\(offset.nanoseconds) nanoseconds are a second or more; add the seconds to secs",
                    at: offset.clock.offset)
            }
            if own == nil {
                diagnostics.error(
                    "needs an entry {\"type\": \"time\"} in linux.namespaces; without it the clock"
                        + " is that of the host", at: offset.clock.offset)
            } else if own?.path.map({ !$0.value.isEmpty }) == true {
                diagnostics.error(
                    "an existing time namespace has its own offsets; remove these",
                    at: offset.clock.offset)
            }
        }
    }
}

extension Spec {
    /// The mappings in the form of the kernel.
    static func map(_ mappings: [IDMapping]) -> IDMap {
        IDMap(
            mappings.map {
                IDRange(
                    inside: $0.containerID.value, outside: $0.hostID.value, count: $0.size.value)
            })
    }

    /// nil without mappings.
    static func mappings(_ users: [IDMapping], _ groups: [IDMapping]) -> IDMappings? {
        users.isEmpty && groups.isEmpty ? nil : IDMappings(users: map(users), groups: map(groups))
    }
}
