/// Why a limit cannot hold on this host: a controller that is not there, and where.
struct MissingController {
    let sentence: String

    init(_ controller: String, _ hierarchies: Hierarchies, wantsVersion2: Bool = false) {
        let other = hierarchies.version1(with: controller)
        if wantsVersion2, let other {
            sentence =
                "the controller \(controller) is mounted as version 1 on this host"
                + " (\"\(other.mountPoint)\"); use the other fields of linux.resources instead of"
                + " unified"
        } else if let version2 = hierarchies.version2 {
            let known = version2.controllers.joined(separator: ", ")
            sentence =
                "the controller \(controller) is missing on this host: no hierarchy of version 1"
                + " has it, and cgroup2 on \"\(version2.mountPoint)\" has only"
                + " \(known.isEmpty ? "none" : known); remove the limit, or enable the controller"
                + " on the kernel's command line"
        } else if hierarchies.version1.isEmpty {
            sentence =
                "the controller \(controller) is missing: no cgroups are mounted on this host;"
                + " mount cgroup2 on /sys/fs/cgroup"
        } else {
            sentence =
                "the controller \(controller) is missing on this host: no cgroup2 is mounted, and"
                + " no mounted hierarchy of version 1 has it; mount it, or remove the limit"
        }
    }
}
