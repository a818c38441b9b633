internal import JSON
internal import LinuxSystem
internal import OCISpec

/// Requirements of namespaces and of the resources that they isolate.
extension Checks {
    // MARK: Namespaces and what belongs to them
    func namespaces() {
        var seen: [Spec.Linux.Namespace.Kind] = []
        for namespace in spec.linux?.namespaces ?? [] {
            let kind = namespace.type.value
            if seen.contains(kind) {
                diagnostics.error(
                    "a second \(kind.rawValue) namespace; remove one", at: namespace.type.offset)
            }
            seen.append(kind)
            guard let path = namespace.path, !path.value.isEmpty else { continue }
            if !path.value.hasPrefix("/") {
                diagnostics.error("\"\(path.value)\" is not an absolute path", at: path.offset)
            }
        }
        let isUnread = diagnostics.hasError(in: spec.linux == nil ? "linux" : "linux.namespaces")
        if !seen.contains(.mount) && !isUnread && !request.sharesMounts {
            let place = spec.linux?.offset ?? diagnostics.document.root.offset
            diagnostics.error(
                "has no entry {\"type\": \"mount\"}; without a mount namespace a container would"
                    + " change the mounts of the host: then \"run\" and \"create\" take a root.path of"
                    + " \"/\" alone, and no mounts", at: place,
                member: spec.linux == nil ? "linux.namespaces" : "namespaces")
        }
    }

    func names() {
        let own = spec.linux?.namespaces.contains { $0.type.value == .uts } ?? false
        for name in [spec.hostname, spec.domainname].compactMap({ $0 }) where !name.value.isEmpty {
            if !own {
                diagnostics.error(
                    "needs an entry {\"type\": \"uts\"} in linux.namespaces; without it the name of the"
                        + " host would change", at: name.offset)
            }
            if name.value.utf8.count > 64 {
                diagnostics.error(
                    "has \(name.value.utf8.count) bytes; the maximum of the kernel is 64",
                    at: name.offset)
            }
        }
    }

    func sysctl() {
        let kinds = spec.linux?.namespaces.map(\.type.value) ?? []
        for (key, _) in spec.linux?.sysctl ?? [] {
            guard let path = SystemControl.path(key.value) else {
                diagnostics.error("\"\(key.value)\" is not the name of a sysctl", at: key.offset)
                continue
            }
            // As the peers: the specification has a field for it.
            if path == "kernel/hostname" {
                diagnostics.error(
                    "sysctl \(key.value.inQuotes) is not allowed as it conflicts with the OCI"
                        + " \"hostname\" field; use that one", at: key.offset)
                continue
            }
            guard let owner = SystemControl.owner(path) else {
                diagnostics.error(
                    "\(key.value) is not in any namespace: it would change the host; remove it",
                    at: key.offset)
                continue
            }
            // A rootless container has a user namespace in any case.
            let isGiven = owner == .user && host.effectiveUser != 0
            if !kinds.contains(owner) && !isGiven {
                diagnostics.error(
                    "\(key.value) needs an entry {\"type\": \"\(owner.rawValue)\"} in"
                        + " linux.namespaces; without it the host would change",
                    at: key.offset)
            }
            if path == "kernel/domainname", let name = spec.domainname, !name.value.isEmpty {
                diagnostics.error(
                    "\(key.value) conflicts with domainname of the config; remove one",
                    at: key.offset)
            }
        }
    }

    func networkDevices() {
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
                    "invalid network device name \"\(name.value)\"; use 1 to 15 bytes without /, : and"
                        + " spaces", at: name.offset)
            }
            let given = device.newName ?? device.name
            if seen.contains(given.value) {
                diagnostics.error(
                    "\"\(given.value)\" is the name of two devices in the container; rename one",
                    at: given.offset)
            }
            seen.append(given.value)
        }
    }

    /// Moving network devices of the host requires root privileges on the host.
    func hostDevices() {
        guard request.invocation.privilege == .none, request.invocation.joining == nil,
            let first = spec.linux?.netDevices.first
        else { return }
        diagnostics.error(
            "moving network devices of the host requires root; remove linux.netDevices, or run"
                + " vfs-run as root", at: first.name.offset)
    }

    /// The rule of the kernel (`dev_valid_name`).
    private func isDeviceName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && !name.utf8.contains {
                $0 == 0x2f || $0 == 0x3a || $0 == 0x20 || (9...13).contains($0)
            }
    }
}
