internal import JSON
internal import LinuxSystem
internal import OCISpec

/// What must hold of a spec before anything is planned. A new rule is one function and one line.
enum Checks {
    typealias Check = @Sendable (Spec, Diagnostics) -> Void

    static let all: [Check] = [
        unsupportedParts, version, rootDirectory, arguments, environment, workingDirectory, user,
        resourceLimits, outOfMemoryScore, scheduling, personality, capabilities, namespaces, names,
        sysctl, mounts,
        procMounts, terminal, devices, containerPaths, seccomp, overlay,
    ]

    // MARK: The document

    static func unsupportedParts(_ spec: Spec, _ diagnostics: Diagnostics) {
        for part in spec.unsupported {
            diagnostics.error("is not supported yet; remove it", at: part.offset)
        }
        for part in spec.linux?.resources?.others ?? [] {
            diagnostics.error(
                "resource limits are not supported yet; remove it", at: part.offset)
        }
        if let devices = spec.linux?.resources?.devices, devices.value > 0 {
            diagnostics.warning(
                "device rules are not applied yet; without CAP_MKNOD no device can be made",
                at: devices.offset)
        }
    }

    static func version(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let version = spec.ociVersion else { return }
        let core = version.value.prefix { $0 != "-" && $0 != "+" }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        if numbers.count != 3 || numbers.contains(nil) {
            diagnostics.error(
                "\"\(version.value)\" is not a version; write \"1.3.0\"", at: version.offset)
        } else if numbers[0] != 1 {
            diagnostics.error(
                "version \(version.value) of the specification is not known; 1.x is",
                at: version.offset)
        }
    }

    static func rootDirectory(_ spec: Spec, _ diagnostics: Diagnostics) {
        if case .object(let overlay) = spec.vfs?.overlay, overlay.layers?.isEmpty == false {
            return
        }
        guard let root = spec.root else {
            if diagnostics.hasError(in: "root") { return }
            return diagnostics.error(
                "is required and missing; without vfs.overlay.layers it names the root file system",
                at: diagnostics.document.root.offset, member: "root")
        }
        if let path = root.path, path.value.isEmpty {
            diagnostics.error("is empty; name a directory", at: path.offset)
        }
    }

    // MARK: The process

    static func arguments(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let process = spec.process else {
            if diagnostics.hasError(in: "process") { return }
            return diagnostics.error(
                "is required and missing", at: diagnostics.document.root.offset, member: "process")
        }
        guard let args = process.args, let first = args.first else {
            if diagnostics.hasError(in: "process.args") { return }
            return diagnostics.error(
                "needs at least one entry, the program", at: process.offset, member: "args")
        }
        if first.value.isEmpty {
            diagnostics.error("is empty; name a program", at: first.offset)
        }
    }

    static func environment(_ spec: Spec, _ diagnostics: Diagnostics) {
        for entry in spec.process?.env ?? [] {
            guard let equals = entry.value.firstIndex(of: "="), equals != entry.value.startIndex
            else {
                diagnostics.error(
                    "\"\(entry.value)\" is not of the form NAME=value", at: entry.offset)
                continue
            }
        }
    }

    static func workingDirectory(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let cwd = spec.process?.cwd else { return }
        if !cwd.value.hasPrefix("/") {
            diagnostics.error("\"\(cwd.value)\" is not an absolute path", at: cwd.offset)
        }
    }

    static func user(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let user = spec.process?.user else { return }
        for id in [user.uid, user.gid].compactMap({ $0 }) + user.additionalGids
        where id.value == .max {
            diagnostics.error(
                "\(id.value) means \"no id\" to the kernel; ids go up to \(UInt32.max - 1)",
                at: id.offset)
        }
        if let umask = user.umask, umask.value > 0o777 {
            diagnostics.error(
                "\(umask.value) is not a umask; it goes up to 511 (octal 0777)", at: umask.offset)
        }
    }

    static func resourceLimits(_ spec: Spec, _ diagnostics: Diagnostics) {
        var seen: [String] = []
        let known = ResourceLimit.allCases.map(\.name)
        for limit in spec.process?.rlimits ?? [] {
            let name = limit.type.value
            if !known.contains(name) {
                let near = nearestName(to: name, in: known).map { "did you mean \"\($0)\"? " } ?? ""
                diagnostics.error(
                    "\"\(name)\" is not a limit; \(near)allowed are "
                        + known.joined(separator: ", "), at: limit.type.offset)
            }
            if seen.contains(name) {
                diagnostics.error("\"\(name)\" is limited twice", at: limit.type.offset)
            }
            seen.append(name)
            if limit.soft.value > limit.hard.value {
                diagnostics.error(
                    "\(limit.soft.value) is above the hard limit, \(limit.hard.value)",
                    at: limit.soft.offset)
            }
        }
    }

    static func outOfMemoryScore(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let score = spec.process?.oomScoreAdj else { return }
        if !(-1000...1000).contains(score.value) {
            diagnostics.error("\(score.value) is not from -1000 to 1000", at: score.offset)
        }
    }

    static func scheduling(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let nice = spec.process?.scheduler?.nice, !(-20...19).contains(nice.value) {
            diagnostics.error("\(nice.value) is not from -20 to 19", at: nice.offset)
        }
        if let priority = spec.process?.scheduler?.priority, !(0...99).contains(priority.value) {
            diagnostics.error("\(priority.value) is not from 0 to 99", at: priority.offset)
        }
        if let level = spec.process?.ioPriority?.priority, !(0...7).contains(level.value) {
            diagnostics.error("\(level.value) is not from 0 to 7", at: level.offset)
        }
    }

    static func personality(_ spec: Spec, _ diagnostics: Diagnostics) {
        for flag in spec.linux?.personality?.flags ?? [] {
            diagnostics.error(
                "\"\(flag.value)\" is not known; the specification has no flags yet",
                at: flag.offset)
        }
    }

    static func capabilities(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let sets = spec.process?.capabilities else { return }
        for name in sets.bounding + sets.effective + sets.permitted + sets.inheritable
            + sets.ambient
        where CapabilitySet(name: name.value) == nil {
            // The specification asks for a warning: the container runs with less, not with more.
            diagnostics.warning(
                "\"\(name.value)\" is not a capability of this kernel; it is left out",
                at: name.offset)
        }
        let permitted = sets.permitted.map(\.value)
        for name in sets.effective where !permitted.contains(name.value) {
            diagnostics.error(
                "\(name.value) is effective but not permitted; add it to \"permitted\"",
                at: name.offset)
        }
        let inheritable = sets.inheritable.map(\.value)
        for name in sets.ambient
        where !permitted.contains(name.value) || !inheritable.contains(name.value) {
            diagnostics.error(
                "\(name.value) is ambient but not both permitted and inheritable; the kernel"
                    + " grants it only then", at: name.offset)
        }
    }

    static func terminal(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard let terminal = spec.process?.terminal, terminal.value else { return }
        let hasTerminals = spec.mounts.contains {
            $0.type?.value == "devpts" && HostName.cleaned($0.destination.value) == "/dev/pts"
        }
        if !hasTerminals {
            diagnostics.error(
                "a terminal needs a mount of type \"devpts\" on /dev/pts", at: terminal.offset)
        }
    }

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
            if kind == .user || kind == .time {
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

    // MARK: Files

    static func mounts(_ spec: Spec, _ diagnostics: Diagnostics) {
        for mount in spec.mounts {
            let destination = mount.destination
            if destination.value.isEmpty {
                diagnostics.error("is empty; name a path in the container", at: destination.offset)
            } else if HostName.cleaned(destination.value) == "/",
                !mount.options.contains(where: { $0.value == "remount" })
            {
                diagnostics.error(
                    "the root is mounted by the runtime; say what it is made of with root.path and"
                        + " vfs.overlay", at: destination.offset)
            }
        }
    }

    /// CVE-2019-16884: whatever the runtime writes to `/proc` must reach the kernel.
    static func procMounts(_ spec: Spec, _ diagnostics: Diagnostics) {
        for mount in spec.mounts {
            let place = HostName.cleaned(mount.destination.value)
            let isBind = mount.options.contains { $0.value == "bind" || $0.value == "rbind" }
            if place == "/proc", mount.type?.value != "proc" || isBind,
                !mount.options.contains(where: { $0.value == "remount" })
            {
                diagnostics.error(
                    "/proc must be a mount of type \"proc\"; anything else could pretend to be"
                        + " the kernel", at: mount.offset)
            }
            if place.hasPrefix("/proc/"), !mayBeMountedInProc.contains(String(place.dropFirst(6))) {
                diagnostics.error(
                    "nothing may be mounted inside /proc but "
                        + mayBeMountedInProc.joined(separator: ", "), at: mount.destination.offset)
            }
        }
    }

    /// Files of facts that programs such as lxcfs answer in the kernel's place.
    static let mayBeMountedInProc = [
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
        "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
    ]

    static func devices(_ spec: Spec, _ diagnostics: Diagnostics) {
        var seen: Set<String> = []
        for device in spec.linux?.devices ?? [] {
            if !device.path.value.hasPrefix("/") {
                diagnostics.error(
                    "\"\(device.path.value)\" is not an absolute path", at: device.path.offset)
            }
            if !seen.insert(HostName.cleaned(device.path.value)).inserted {
                diagnostics.error(
                    "\"\(device.path.value)\" stands twice", at: device.path.offset)
            }
            // 12 and 20 bits: include/linux/kdev_t.h.
            for (number, most) in [(device.major, Int64(4095)), (device.minor, 1_048_575)] {
                guard let number, !(0...most).contains(number.value) else { continue }
                diagnostics.error("\(number.value) is not from 0 to \(most)", at: number.offset)
            }
            if let mode = device.fileMode, mode.value & ~0o170_000 > 0o777 {
                diagnostics.error(
                    "\(mode.value) is more than permission bits; they go up to 511 (octal 0777)",
                    at: mode.offset)
            }
        }
    }

    static func containerPaths(_ spec: Spec, _ diagnostics: Diagnostics) {
        let paths = (spec.linux?.maskedPaths ?? []) + (spec.linux?.readonlyPaths ?? [])
        for path in paths where !path.value.hasPrefix("/") {
            diagnostics.error("\"\(path.value)\" is not an absolute path", at: path.offset)
        }
    }

    static func seccomp(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let name = spec.vfs?.seccomp, spec.linux?.seccomp != nil {
            diagnostics.error(
                "names a second profile beside linux.seccomp; keep one of them", at: name.offset)
        }
    }

    static func seccompProfile(_ profile: Spec.Seccomp, _ diagnostics: Diagnostics) {
        let actions = [profile.defaultAction].compactMap { $0 } + profile.syscalls.map(\.action)
        for action in actions where action.value == .notify {
            diagnostics.error("SCMP_ACT_NOTIFY is not supported yet", at: action.offset)
        }
        for number in [profile.defaultErrnoRet].compactMap({ $0 })
            + profile.syscalls.compactMap(\.errnoRet) where number.value > 4094
        {
            // libseccomp refuses the kernel's highest, 4095.
            diagnostics.error(
                "\(number.value) is not an errno; they go up to 4094", at: number.offset)
        }
    }

    // MARK: The overlay

    static func overlay(_ spec: Spec, _ diagnostics: Diagnostics) {
        guard case .object(let overlay) = spec.vfs?.overlay else { return }
        if let layers = overlay.layers, layers.isEmpty {
            diagnostics.error(
                "is empty; name a directory, or leave it out for root.path",
                at: overlay.offset, member: "layers")
        }
        for layer in overlay.layers ?? [] where layer.value.isEmpty {
            diagnostics.error("is empty; name a directory", at: layer.offset)
        }
        if let upper = overlay.upper, upper.value.isEmpty {
            diagnostics.error(
                "is empty; name a directory, or leave it out for a throw-away one",
                at: upper.offset)
        }
        if let size = overlay.size {
            if overlay.upper != nil {
                diagnostics.error(
                    "caps a throw-away upper and there is a kept one; remove \"size\" or"
                        + " \"upper\"", at: size.offset)
            }
            if !isSize(size.value) {
                diagnostics.error(
                    "\"\(size.value)\" is not a size; write \"256M\", \"2G\" or \"10%\"",
                    at: size.offset)
            }
        }
        for option in overlay.options {
            let key = option.value.prefix { $0 != "=" }
            if ["lowerdir", "lowerdir+", "datadir+", "upperdir", "workdir"].contains(key) {
                diagnostics.error(
                    "\(key) is set by the runtime; use \"layers\" and \"upper\"",
                    at: option.offset)
            }
        }
    }

    /// As tmpfs takes it: digits and k, m, g, t, p, e or %.
    static func isSize(_ text: String) -> Bool {
        var digits = Substring(text)
        if let last = digits.last, "kKmMgGtTpPeE%".contains(last) { digits.removeLast() }
        guard let number = UInt64(digits), digits.allSatisfy({ ("0"..."9").contains($0) }) else {
            return false
        }
        return number > 0
    }
}
