internal import JSON
internal import LinuxSystem
internal import OCISpec

/// What must hold of namespaces and of what lives in them.
extension Checks {
    // MARK: Namespaces and what belongs to them
    static func namespaces(_ spec: Spec, _ diagnostics: Diagnostics) {
        var seen: [Spec.Linux.Namespace.Kind] = []
        for namespace in spec.linux?.namespaces ?? [] {
            let kind = namespace.type.value
            if seen.contains(kind) {
                diagnostics.error(
                    "the \(kind.rawValue) namespace stands twice", at: namespace.type.offset)
            }
            seen.append(kind)
            if !Supported.namespaces.contains(kind) {
                diagnostics.error(
                    "\(kind.rawValue) namespaces are not supported yet; remove it",
                    at: namespace.type.offset)
            }
            guard let path = namespace.path, !path.value.isEmpty else { continue }
            if !path.value.hasPrefix("/") {
                diagnostics.error("\"\(path.value)\" is not an absolute path", at: path.offset)
            }
            if kind == .mount {
                diagnostics.error(
                    "a mount namespace cannot be joined: pivot_root would change the root of"
                        + " everybody in it; leave the path out for a new one", at: path.offset)
            }
        }
        let isUnread = diagnostics.hasError(in: spec.linux == nil ? "linux" : "linux.namespaces")
        if !seen.contains(.mount) && !isUnread {
            let place = spec.linux?.offset ?? diagnostics.document.root.offset
            diagnostics.error(
                "has no entry {\"type\": \"mount\"}; without its own mounts a container would"
                    + " change the host's", at: place,
                member: spec.linux == nil ? "linux.namespaces" : "namespaces")
        }
    }

    static func names(_ spec: Spec, _ diagnostics: Diagnostics) {
        let own = spec.linux?.namespaces.contains { $0.type.value == .uts } ?? false
        for name in [spec.hostname, spec.domainname].compactMap({ $0 }) where !name.value.isEmpty {
            if !own {
                diagnostics.error(
                    "needs an entry {\"type\": \"uts\"} in linux.namespaces; without it the host"
                        + " would be renamed", at: name.offset)
            }
            if name.value.utf8.count > 64 {
                diagnostics.error(
                    "has \(name.value.utf8.count) bytes; the kernel takes 64", at: name.offset)
            }
        }
    }

    static func sysctl(_ spec: Spec, _ diagnostics: Diagnostics) {
        let kinds = spec.linux?.namespaces.map(\.type.value) ?? []
        for (key, _) in spec.linux?.sysctl ?? [] {
            guard let path = SystemControl.path(key.value) else {
                diagnostics.error("\"\(key.value)\" is not a sysctl's name", at: key.offset)
                continue
            }
            guard let owner = SystemControl.owner(path) else {
                diagnostics.error(
                    "\(key.value) belongs to no namespace: it would change the host",
                    at: key.offset)
                continue
            }
            if !kinds.contains(owner) {
                diagnostics.error(
                    "\(key.value) needs an entry {\"type\": \"\(owner.rawValue)\"} in"
                        + " linux.namespaces; without it the host would be changed",
                    at: key.offset)
            }
        }
    }
}
