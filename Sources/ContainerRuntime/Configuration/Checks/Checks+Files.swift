internal import LinuxSystem
internal import OCISpec

/// Requirements of mounts, devices and paths.
extension Checks {
    // MARK: Files
    func mounts() {
        for mount in spec.mounts {
            let destination = mount.destination
            if destination.value.isEmpty {
                diagnostics.error("is empty; name a path in the container", at: destination.offset)
            } else if PathText.cleaned(destination.value) == "/",
                !mount.options.contains(where: { $0.value == "remount" })
            {
                diagnostics.error(
                    "the runtime mounts the root file system; use root.path and vfs.overlay to describe"
                        + " it", at: destination.offset)
            }
        }
    }

    /// CVE-2019-16884: the writes of the runtime to `/proc` must reach the kernel.
    func procMounts() {
        for mount in spec.mounts {
            let place = PathText.cleaned(mount.destination.value)
            let isBind = mount.options.contains { $0.value == "bind" || $0.value == "rbind" }
            // The source of a bind mount is checked when it is opened.
            if place == "/proc", mount.type?.value != "proc", !isBind,
                !mount.options.contains(where: { $0.value == "remount" })
            {
                diagnostics.error(
                    "/proc must be a mount of type \"proc\", or a bind mount of one; any other file"
                        + " system could imitate the kernel", at: mount.offset)
            }
            if place.hasPrefix("/proc/"),
                !Checks.mayBeMountedInProc.contains(String(place.dropFirst(6)))
            {
                diagnostics.error(
                    "mounts below /proc are limited to "
                        + Checks.mayBeMountedInProc.joined(separator: ", "),
                    at: mount.destination.offset)
            }
        }
    }

    /// Files that programs such as lxcfs provide in place of the kernel.
    static let mayBeMountedInProc = [
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
        "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
    ]

    func devices() {
        var seen: [String: Spec.Linux.Device] = [:]
        for device in spec.linux?.devices ?? [] {
            if !device.path.value.hasPrefix("/") {
                diagnostics.error(
                    "\"\(device.path.value)\" is not an absolute path", at: device.path.offset)
            }
            // Docker does not deduplicate them: the same one twice is one.
            let path = PathText.cleaned(device.path.value)
            if let first = seen[path], !device.isSame(as: first) {
                diagnostics.error(
                    "\"\(device.path.value)\" is a second device of that path, and not the same;"
                        + " remove one", at: device.path.offset)
            }
            seen[path] = device
            // 12 and 20 bits: include/linux/kdev_t.h.
            for (number, most) in [(device.major, Int64(4095)), (device.minor, 1_048_575)] {
                guard let number, !(0...most).contains(number.value) else { continue }
                diagnostics.error("\(number.value) is not from 0 to \(most)", at: number.offset)
            }
            if let mode = device.fileMode, mode.value & ~0o170_000 > 0o7777 {
                diagnostics.error(
                    "\(mode.value) is not a set of permission bits; the maximum is 4095 (octal 07777)",
                    at: mode.offset)
            }
        }
    }

    func containerPaths() {
        let paths = (spec.linux?.maskedPaths ?? []) + (spec.linux?.readonlyPaths ?? [])
        for path in paths where !path.value.hasPrefix("/") {
            diagnostics.error("\"\(path.value)\" is not an absolute path", at: path.offset)
        }
        for path in paths where PathText.cleaned(path.value) == "/" {
            diagnostics.error(
                "the root cannot be masked; use root.readonly for a read-only root",
                at: path.offset)
        }
    }
}

extension Spec.Linux.Device {
    /// Whether it has the same type, number, mode and owner.
    func isSame(as other: Self) -> Bool {
        type.value == other.type.value && major?.value == other.major?.value
            && minor?.value == other.minor?.value && fileMode?.value == other.fileMode?.value
            && uid?.value == other.uid?.value && gid?.value == other.gid?.value
    }
}
