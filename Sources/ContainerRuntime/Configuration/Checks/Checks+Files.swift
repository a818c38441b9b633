internal import LinuxSystem
internal import OCISpec
internal import Seccomp

/// What must hold of mounts, devices, paths and the overlay.
extension Checks {
    // MARK: Files
    static func mounts(_ spec: Spec, _ diagnostics: Diagnostics) {
        for mount in spec.mounts {
            let destination = mount.destination
            if destination.value.isEmpty {
                diagnostics.error("is empty; name a path in the container", at: destination.offset)
            } else if PathText.cleaned(destination.value) == "/",
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
            let place = PathText.cleaned(mount.destination.value)
            let isBind = mount.options.contains { $0.value == "bind" || $0.value == "rbind" }
            // The source of a bind mount is looked at when it is opened.
            if place == "/proc", mount.type?.value != "proc", !isBind,
                !mount.options.contains(where: { $0.value == "remount" })
            {
                diagnostics.error(
                    "/proc must be a mount of type \"proc\", or a bind mount of one; anything"
                        + " else could pretend to be the kernel", at: mount.offset)
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
            if !seen.insert(PathText.cleaned(device.path.value)).inserted {
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
        for path in paths where PathText.cleaned(path.value) == "/" {
            diagnostics.error(
                "the root itself is made read-only with root.readonly, and cannot be masked",
                at: path.offset)
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
        for action in actions where !Supported.seccompActions.contains(action.value) {
            diagnostics.error("\(action.value.rawValue) is not supported yet", at: action.offset)
        }
        notifications(profile, diagnostics)
        for name in SeccompCompiler.unblocked(profile) {
            diagnostics.warning(
                "libseccomp \(SeccompCompiler.libraryVersion) knows no system call"
                    + " \"\(name.value)\", and the default action lets it through: it is not blocked;"
                    + " correct the name, or allow by name and deny by default", at: name.offset)
        }
        for number in [profile.defaultErrnoRet].compactMap({ $0 })
            + profile.syscalls.compactMap(\.errnoRet) where number.value > 4094
        {
            // libseccomp refuses the kernel's highest, 4095.
            diagnostics.error(
                "\(number.value) is not an errno; they go up to 4094", at: number.offset)
        }
        let pairs =
            [(profile.defaultAction, profile.defaultErrnoRet)]
            + profile.syscalls.map { ($0.action, $0.errnoRet) }
        for case (let action?, let number?) in pairs
        where action.value != .errno && action.value != .trace {
            diagnostics.error(
                "\(action.value.rawValue) gives no errno; remove it, or use SCMP_ACT_ERRNO",
                at: number.offset)
        }
    }

    /// The process itself makes calls between the filter's installation and the moment somebody
    /// listens: these cannot wait for an answer.
    private static func notifications(_ profile: Spec.Seccomp, _ diagnostics: Diagnostics) {
        if let action = profile.defaultAction, action.value == .notify {
            diagnostics.error(
                "SCMP_ACT_NOTIFY cannot be used as default action; name the calls that it is for",
                at: action.offset)
        }
        let rules = profile.syscalls.filter { $0.action.value == .notify }
        for name in rules.flatMap(\.names) where name.value == "write" {
            diagnostics.error(
                "SCMP_ACT_NOTIFY cannot be used for the write syscall, by which the listener is"
                    + " handed over; leave it out", at: name.offset)
        }
        if let rule = rules.first, profile.listenerPath?.value.isEmpty ?? true {
            diagnostics.error(
                "seccomp listenerPath is not set, and SCMP_ACT_NOTIFY needs somebody who listens"
                    + " there", at: rule.action.offset)
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
            if TmpfsSize(size.value) == nil {
                diagnostics.error(
                    "\"\(size.value)\" is not a size; write \"256M\", \"2G\" or \"10%\"",
                    at: size.offset)
            }
        }
        if let inodes = overlay.inodes {
            if overlay.upper != nil {
                diagnostics.error(
                    "caps a throw-away upper and there is a kept one; remove \"inodes\" or"
                        + " \"upper\"", at: inodes.offset)
            }
            if !TmpfsSize.inodes.contains(inodes.value) {
                diagnostics.error(
                    "\(inodes.value) is not from \(TmpfsSize.inodes.lowerBound) to"
                        + " \(TmpfsSize.inodes.upperBound)", at: inodes.offset)
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
}
