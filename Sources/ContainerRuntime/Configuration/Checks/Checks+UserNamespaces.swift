internal import JSON
internal import LinuxSystem
internal import OCISpec

/// What must hold of ids and clocks that are the container's own.
extension Checks {
    static func idMappings(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let linux = spec.linux else { return }
        let hasNamespace = linux.namespaces.contains { $0.type.value == .user }
        for (name, mappings) in [
            ("uidMappings", linux.uidMappings), ("gidMappings", linux.gidMappings),
        ] {
            if let first = mappings.first, !hasNamespace {
                diagnostics.error(
                    "linux.\(name) maps ids of a user namespace, and there is none; add an entry"
                        + " {\"type\": \"user\"} to linux.namespaces", at: first.offset)
            }
            check(mappings, name, diagnostics)
        }
        for mount in spec.mounts {
            check(mount.uidMappings, "uidMappings", diagnostics)
            check(mount.gidMappings, "gidMappings", diagnostics)
        }
    }

    private static func check(
        _ mappings: [Spec.IDMapping], _ name: String, _ diagnostics: Diagnostics
    ) {
        for (position, mapping) in mappings.enumerated() {
            if mapping.size.value == 0 {
                diagnostics.error("0 ids are none; give a size", at: mapping.size.offset)
            }
            for first in [mapping.containerID, mapping.hostID]
            where UInt64(first.value) + UInt64(mapping.size.value) > UInt64(UInt32.max) {
                // The last number is no id; the kernel takes a map up to the one before.
                if first.value == 0 && mapping.size.value == .max { continue }
                diagnostics.error(
                    "\(first.value) and \(mapping.size.value) more go beyond the last id,"
                        + " \(UInt32.max - 1)", at: first.offset)
            }
            for other in mappings[..<position] {
                if overlaps(mapping.containerID.value, mapping, other.containerID.value, other) {
                    diagnostics.error(
                        "these ids of the container are mapped twice", at: mapping.offset)
                } else if overlaps(mapping.hostID.value, mapping, other.hostID.value, other) {
                    diagnostics.error(
                        "these ids of the host stand behind two of the container",
                        at: mapping.offset)
                }
            }
        }
        if let first = mappings.first, Spec.map(mappings).isTooLong {
            diagnostics.error(
                "\(name) has \(mappings.count) ranges; the kernel takes 340, and less than 4096"
                    + " bytes of text", at: first.offset)
        }
    }

    private static func overlaps(
        _ one: UInt32, _ mapping: Spec.IDMapping, _ other: UInt32, _ second: Spec.IDMapping
    ) -> Bool {
        UInt64(one) < UInt64(other) + UInt64(second.size.value)
            && UInt64(other) < UInt64(one) + UInt64(mapping.size.value)
    }

    static func timeOffsets(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let linux = spec.linux else { return }
        let own = linux.namespaces.first { $0.type.value == .time }
        for offset in linux.timeOffsets {
            let known = Spec.Linux.TimeOffset.clocks
            if !known.contains(offset.clock.value) {
                diagnostics.error(
                    "\"\(offset.clock.value)\" is no clock of a time namespace; allowed are "
                        + known.joined(separator: ", "), at: offset.clock.offset)
            }
            if offset.nanoseconds > 999_999_999 {
                diagnostics.error(
                    "\(offset.nanoseconds) nanoseconds are a second or more; add it to secs",
                    at: offset.clock.offset)
            }
            if own == nil {
                diagnostics.error(
                    "needs an entry {\"type\": \"time\"} in linux.namespaces; without it the clock"
                        + " is the host's", at: offset.clock.offset)
            } else if own?.path.map({ !$0.value.isEmpty }) == true {
                diagnostics.error(
                    "a time namespace that is joined has its offsets; remove them",
                    at: offset.clock.offset)
            }
        }
    }
}

extension Spec {
    /// As the kernel takes them.
    static func map(_ mappings: [IDMapping]) -> IDMap {
        IDMap(
            mappings.map {
                IDRange(
                    inside: $0.containerID.value, outside: $0.hostID.value, count: $0.size.value)
            })
    }

    /// Nil where there are none.
    static func mappings(_ users: [IDMapping], _ groups: [IDMapping]) -> IDMappings? {
        users.isEmpty && groups.isEmpty ? nil : IDMappings(users: map(users), groups: map(groups))
    }
}
