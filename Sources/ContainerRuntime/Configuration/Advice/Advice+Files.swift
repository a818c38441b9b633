internal import JSON
internal import OCISpec

/// Access to files and devices of the host.
extension Advice {
    private static func isBind(_ mount: Spec.Mount) -> Bool {
        mount.type?.value == "bind"
            || mount.options.contains { $0.value == "bind" || $0.value == "rbind" }
    }

    private static func isReadOnly(_ mount: Spec.Mount) -> Bool {
        let last = mount.options.last { ["ro", "rro", "rw", "rrw"].contains($0.value) }
        return last.map { $0.value == "ro" || $0.value == "rro" } ?? false
    }

    /// Bind mounts with the normalized path of their source. A relative source is in the bundle.
    private static func binds(_ spec: Spec) -> [(mount: Spec.Mount, source: Located<String>)] {
        spec.mounts.compactMap { mount in
            guard isBind(mount), let source = mount.source, source.value.hasPrefix("/") else {
                return nil
            }
            return (mount, source.map(PathText.cleaned))
        }
    }

    /// The directories with the system and the data of the host.
    private static let precious = [
        "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root",
        "/run",
        "/sbin", "/sys", "/usr", "/var",
    ]

    static func writableBind(_ spec: Spec, _ diagnostics: Diagnostics) {
        for (mount, source) in binds(spec) where !isReadOnly(mount) {
            let isPrecious =
                precious.contains(source.value)
                || ["/etc/", "/boot/", "/usr/", "/proc/", "/sys/"].contains {
                    source.value.hasPrefix($0)
                }
            guard isPrecious else { continue }
            diagnostics.warning(
                "\(source.value) of the host is writable in the container, which can take over the host;"
                    + " add \"ro\"", at: source.offset)
        }
    }

    static func wholeHost(_ spec: Spec, _ diagnostics: Diagnostics) {
        for (mount, source) in binds(spec) where source.value == "/" {
            diagnostics.warning(
                isReadOnly(mount)
                    ? "the container can read all files of the host, including keys and passwords; bind"
                        + " only the needed directories"
                    : "all files of the host are writable in the container: there is no isolation; bind"
                        + " only the needed directories, read-only", at: source.offset)
        }
    }

    static func controlSocket(_ spec: Spec, _ diagnostics: Diagnostics) {
        let names = [
            "docker.sock", "containerd.sock", "podman.sock", "crio.sock", "system_bus_socket",
            "buildkitd.sock",
        ]
        for (_, source) in binds(spec) {
            guard let name = names.first(where: { source.value.hasSuffix("/" + $0) }) else {
                continue
            }
            diagnostics.warning(
                "access to \(name) is equivalent to root on the host, with or without \"ro\"; remove it",
                at: source.offset)
        }
    }

    static func writableSysfs(_ spec: Spec, _ diagnostics: Diagnostics) {
        for mount in spec.mounts
        where mount.type?.value == "sysfs" && !isReadOnly(mount) {
            diagnostics.warning(
                "sysfs contains settings of the kernel and devices of the host; add \"ro\"",
                at: mount.destination.offset)
        }
    }

    static func sharedMounts(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let propagation = spec.linux?.rootfsPropagation,
            [.shared, .recursiveShared].contains(propagation.value)
        else { return }
        diagnostics.warning(
            "mounts of the container can propagate to the host; use \"rslave\"",
            at: propagation.offset)
    }

    static func writableRoot(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard case .enabled(let overlay) = spec.vfs?.overlay, !overlay.value,
            spec.root?.readonly?.value != true
        else { return }
        diagnostics.warning(
            "the program writes to root.path; remove this for an overlay that is discarded, or set"
                + " root.readonly", at: overlay.offset)
    }

    // MARK: Information in proc and sysfs

    static func maskedPaths(_ spec: Spec, _ diagnostics: Diagnostics) {
        lacking(
            "maskedPaths", spec.linux?.maskedPaths,
            of: ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "these files describe the host", spec, diagnostics)
    }

    static func readonlyPaths(_ spec: Spec, _ diagnostics: Diagnostics) {
        lacking(
            "readonlyPaths", spec.linux?.readonlyPaths,
            of: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            "writes to these files change the host", spec, diagnostics)
    }

    private static func lacking(
        _ key: String, _ given: [Located<String>]?, of wanted: [String], _ reason: String,
        _ spec: Spec, _ diagnostics: Diagnostics
    ) {
        let types = spec.mounts.compactMap(\.type?.value)
        let covered = (spec.linux?.maskedPaths ?? []) + (spec.linux?.readonlyPaths ?? [])
        let paths = (key == "maskedPaths" ? given ?? [] : covered).map {
            PathText.cleaned($0.value)
        }
        let missing = wanted.filter { path in
            types.contains(path.hasPrefix("/proc/") ? "proc" : "sysfs")
                && !paths.contains { path == $0 || path.hasPrefix($0 + "/") }
        }
        if missing.isEmpty { return }
        let root = diagnostics.document.root.offset
        diagnostics.warning(
            "lacks \(missing.joined(separator: ", ")): \(reason); add them",
            at: given?.first?.offset ?? spec.linux?.offset ?? root,
            member: given?.isEmpty == false ? nil : (spec.linux == nil ? "linux." : "") + key)
    }

    // MARK: Devices

    static func allDevices(_ spec: Spec, _ diagnostics: Diagnostics) {
        for rule in spec.linux?.resources?.devices ?? [] {
            let isAny = ["", "a"].contains(rule.type?.value ?? "") && rule.major == nil
            guard rule.allow.value, isAny, rule.access?.value.contains("w") == true else {
                continue
            }
            diagnostics.warning(
                "all devices are allowed, including the disks of the host; deny all, and allow the"
                    + " needed ones", at: rule.offset)
        }
    }

    static func hostDevice(_ spec: Spec, _ diagnostics: Diagnostics) {
        for device in spec.linux?.devices ?? [] {
            let isMemory =
                device.type.value != .block && device.major?.value == 1
                && [1, 2, 4].contains(device.minor?.value ?? -1)
            if device.type.value == .block {
                diagnostics.warning(
                    "\(device.path.value) is a block device of the host: a write to it changes files of the"
                        + " host; remove it",
                    at: device.path.offset)
            } else if isMemory {
                diagnostics.warning(
                    "\(device.path.value) is the memory of the host; remove it",
                    at: device.path.offset)
            }
        }
    }
}
