internal import LinuxSystem

/// Extended attributes that hold ids, as the user namespace with these mappings knows them: what
/// reads them from outside gets those of the host.
extension IDMappings {
    func seen(_ attribute: String, _ value: [UInt8]) -> [UInt8] {
        switch attribute {
        case "security.capability": seen(capability: value)
        case "system.posix_acl_access", "system.posix_acl_default": seen(accessList: value)
        default: value
        }
    }

    /// `struct vfs_ns_cap_data` (linux/capability.h): the root user of the namespace that it
    /// counts in stands at the end. For root itself there is a shorter form.
    private func seen(capability value: [UInt8]) -> [UInt8] {
        guard value.count == 24, value[3] == 3,
            let root = users.inside(of: IDMappings.number(value[20...]))
        else { return value }
        var result = value
        if root == 0 {
            result[3] = 2
            return Array(result[..<20])
        }
        result.replaceSubrange(20..., with: IDMappings.bytes(root))
        return result
    }

    /// `struct posix_acl_xattr_header` and its entries (linux/posix_acl_xattr.h): tag, rights, id.
    private func seen(accessList value: [UInt8]) -> [UInt8] {
        let (header, entry) = (4, 8)
        guard value.count >= header, (value.count - header) % entry == 0 else { return value }
        var result = value
        for start in stride(from: header, to: value.count, by: entry) {
            let place = start + 4..<start + entry
            let id = IDMappings.number(value[place])
            let inside: UInt32? =
                switch (value[start], value[start + 1]) {
                case (0x02, 0): users.inside(of: id)
                case (0x08, 0): groups.inside(of: id)
                default: nil
                }
            if let inside { result.replaceSubrange(place, with: IDMappings.bytes(inside)) }
        }
        return result
    }

    /// Little-endian.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
