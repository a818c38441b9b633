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
            guard let path = namespace.path, !path.value.isEmpty else { continue }
            if !path.value.hasPrefix("/") {
                diagnostics.error("\"\(path.value)\" is not an absolute path", at: path.offset)
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
            // Who is not root gets a user namespace in any case.
            let isGiven = owner == .user && Credentials.effectiveUser != 0
            if !kinds.contains(owner) && !isGiven {
                diagnostics.error(
                    "\(key.value) needs an entry {\"type\": \"\(owner.rawValue)\"} in"
                        + " linux.namespaces; without it the host would be changed",
                    at: key.offset)
            }
            let named = ["kernel/hostname": spec.hostname, "kernel/domainname": spec.domainname]
            if let name = named[path] ?? nil, !name.value.isEmpty {
                diagnostics.error(
                    "\(key.value) conflicts with \(path.dropFirst(7)) of the config; leave out one",
                    at: key.offset)
            }
        }
    }

    static func networkDevices(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let linux = spec.linux, let first = linux.netDevices.first else { return }
        if !linux.namespaces.contains(where: { $0.type.value == .network }) {
            diagnostics.error(
                "unable to move network devices without a NET namespace; add one of type"
                    + " \"network\"", at: first.name.offset)
        }
        var seen: [String] = []
        for device in linux.netDevices {
            for name in [device.name, device.newName].compactMap({ $0 })
            where !isDeviceName(name.value) {
                diagnostics.error(
                    "invalid network device name \"\(name.value)\"; 1 to 15 bytes without /, : and"
                        + " spaces", at: name.offset)
            }
            let given = device.newName ?? device.name
            if seen.contains(given.value) {
                diagnostics.error(
                    "\"\(given.value)\" is the name of two devices in the container",
                    at: given.offset)
            }
            seen.append(given.value)
        }
    }

    /// As the kernel has it (`dev_valid_name`).
    private static func isDeviceName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && !name.utf8.contains {
                $0 == 0x2f || $0 == 0x3a || $0 == 0x20 || (9...13).contains($0)
            }
    }
}
