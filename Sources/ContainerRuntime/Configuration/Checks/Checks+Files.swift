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
                    "the root is mounted by the runtime; say what it is made of with root.path and"
                        + " vfs.overlay", at: destination.offset)
            }
        }
    }

    /// CVE-2019-16884: whatever the runtime writes to `/proc` must reach the kernel.
    func procMounts() {
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
            if place.hasPrefix("/proc/"), !Checks.mayBeMountedInProc.contains(String(place.dropFirst(6))) {
                diagnostics.error(
                    "nothing may be mounted inside /proc but "
                        + Checks.mayBeMountedInProc.joined(separator: ", "), at: mount.destination.offset)
            }
        }
    }

    /// Files of facts that programs such as lxcfs answer in the kernel's place.
    static let mayBeMountedInProc = [
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
        "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
    ]

    func devices() {
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

    func containerPaths() {
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
}
