internal import LinuxSystem

extension Explanation {
    /// Names of sockets whose server does for its clients what root can do.
    private static let sockets = [
        "docker.sock", "containerd.sock", "crio.sock", "podman.sock", "system_bus_socket",
        "/run/systemd/private",
    ]
    /// Files that every engine binds.
    private static let usual: Set<String> = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"]

    static func mountWays(_ found: Explanation) -> [Way] {
        // Who is in the mount namespace of the host is told so once.
        if found.shares("mount") { return [] }
        var ways: [Way] = []
        for mount in found.mounts.all where ways.count < 64 {
            let name = mount.point.printable(upTo: 256)
            let root = mount.root.printable(upTo: 256)
            let place = mount.place.map { $0 + ": " } ?? ""
            if sockets.contains(where: { mount.root.has($0) || mount.point.has($0) }) {
                ways.append(
                    Way(
                        .critical, "socket \(name)",
                        "\(name) is a socket whose server acts as root of the host",
                        change: "\(place)remove the mount"))
            } else if mount.isHosts && !usual.contains(mount.point) {
                let isAll = mount.root == "/"
                if mount.isReadOnly {
                    if isAll {
                        ways.append(
                            Way(
                                .medium, "host files \(name)",
                                "\(name) shows a whole file system of the host",
                                change: "\(place)bind the directory that is needed alone"))
                    }
                    continue
                }
                ways.append(
                    Way(
                        isAll && found.reachesHost ? .critical : isAll ? .high : .medium,
                        "host files \(name)",
                        "\(name) is \(isAll ? "a whole file system" : root) of the host, writable",
                        change: "\(place)add \"ro\" to its options"
                            + ", or use a copy-on-write tree (vfs.copyOnWrite)"))
            }
        }
        return ways + kernelWays(found)
    }

    /// Files of the kernel that act on the whole machine.
    private static func kernelWays(_ found: Explanation) -> [Way] {
        guard found.identity.user == 0 || found.isPlanned, found.reachesHost else { return [] }
        var ways: [Way] = []
        let rows: [(path: String, type: String, what: String)] = [
            ("/proc/sys", "proc", "core_pattern names a program that the kernel runs as root"),
            ("/proc/sysrq-trigger", "proc", "it restarts the machine"),
            ("/sys", "sysfs", "uevent_helper and drivers act on the machine"),
        ]
        for row in rows {
            guard let mount = found.mounts.around(row.path), mount.type == row.type,
                found.mounts.isWritable(row.path)
            else { continue }
            ways.append(
                Way(
                    row.path == "/proc/sys" ? .critical : .high, "writable \(row.path)",
                    "\(row.path) is writable: \(row.what)",
                    change: row.path == "/sys"
                        ? "\(mount.place.map { $0 + ": " } ?? "")add \"ro\" to its options"
                        : found.line(
                            "add \"\(row.path)\" to linux.readonlyPaths",
                            docker: "without --privileged", "linux", "readonlyPaths")))
        }
        for mount in found.mounts.all where mount.type == "cgroup" && !mount.isReadOnly {
            ways.append(
                Way(
                    .high, "writable \(mount.point.printable(upTo: 256))",
                    "a control group of version 1 is writable: release_agent names a program that"
                        + " the kernel runs as root",
                    change: "\(mount.place.map { $0 + ": " } ?? "")add \"ro\" to its options"))
            break
        }
        return ways
    }

    static func descriptorWays(_ found: Explanation) -> [Way] {
        found.descriptors.filter { !$0.isHarmless }.map { file in
            // Standard output or error that goes to a file is what its caller means.
            let isOutput = (0...2).contains(file.number) && !file.isDirectory
            let target = file.target.printable(upTo: 256)
            let what =
                file.isDirectory
                ? "a directory of the host is open: ../.. of it is the host's root"
                : file.isWritable
                    ? "a file of the host is open for writing"
                    : "a file of the host is open"
            return Way(
                file.isDirectory ? .critical : file.isWritable && !isOutput ? .medium : .low,
                "descriptor \(file.number)", "descriptor \(file.number): \(what): \(target)",
                change: "let the caller close it, or set close-on-exec (CVE-2024-21626)")
        }
    }
}
