internal import JSON
internal import LinuxSystem
internal import SystemPackage

extension ProbeGroup {
    /// Other guards that a container may be given.
    static let surroundings = ProbeGroup(
        key: "security", title: "Security modules",
        probes: [
            Probe("modules", "active modules", for: "labels", look: modules),
            Probe(
                "apparmor", "AppArmor", for: "process.apparmorProfile", look: appArmor),
            Probe("selinux", "SELinux", for: "process.selinuxLabel", look: seLinux),
            Probe("landlock", "Landlock", for: "vfs.landlock", since: "5.19", look: landlock),
        ])

    private static func modules(_ subject: Subject) throws(Failure) -> Finding {
        guard let text = KernelSetting.text("/sys/kernel/security/lsm"), !text.isEmpty else {
            return .untried("/sys/kernel/security/lsm cannot be read")
        }
        let names = text.split(separator: ",").map(String.init)
        return .fact(
            names.joined(separator: ", "),
            facts: [("modules", .array(names.map(JSONOutput.string)))])
    }

    private static func appArmor(_ subject: Subject) throws(Failure) -> Finding {
        guard KernelSetting.text("/sys/module/apparmor/parameters/enabled") == "Y" else {
            return .fact("off; a profile in config.json is an error", facts: [("on", .bool(false))])
        }
        let profile = KernelSetting.text("/proc/self/attr/apparmor/current") ?? "unknown"
        return .fact("on; this process: \(profile)", facts: [("on", .bool(true))])
    }

    private static func seLinux(_ subject: Subject) throws(Failure) -> Finding {
        guard let enforces = KernelSetting.text("/sys/fs/selinux/enforce") else {
            return .fact("off; a label in config.json is an error", facts: [("on", .bool(false))])
        }
        return .fact(
            enforces == "1" ? "on, enforcing" : "on, permissive", facts: [("on", .bool(true))])
    }

    private static func landlock(_ subject: Subject) throws(Failure) -> Finding {
        do throws(Errno) {
            let version = try KernelProbe.landlockVersion()
            if version < 2 { throw .noFunction }
            return .fact("version \(version)", facts: [("version", .integer(Int64(version)))])
        } catch {
            return .fact(
                "off; vfs.landlock in config.json is an error", facts: [("version", .null)])
        }
    }
}
