import LinuxSystem

@testable import Explain

extension Explanation {
    /// A process of root in a mount namespace of its own, with nothing else set apart.
    static func ofRoot(capabilities: CapabilitySet = CapabilitySet(rawValue: .max)) -> Explanation {
        var found = Explanation(title: "process 7 (sh)")
        for kind in NamespaceKind.all {
            found.namespaces.append(NamespaceFact(kind: kind.name, isOwn: kind.name == "mount"))
        }
        found.identity.user = 0
        found.identity.group = 0
        found.identity.users = [IDRange(inside: 0, outside: 0, count: .max)]
        found.identity.groups = found.identity.users
        var sets = CapabilitySets()
        (sets.bounding, sets.effective, sets.permitted) = (capabilities, capabilities, capabilities)
        found.capabilities.sets = sets
        found.security.noNewPrivileges = false
        found.seccomp.mode = SeccompFacts.Mode.none
        return found
    }

    /// With the mounts that a mountinfo tells.
    func mounting(_ text: String, host: String? = nil) -> Explanation {
        var found = self
        found.mounts = MountFacts(
            Array(text.utf8), host: host.map { MountTable(Array($0.utf8)) })
        return found
    }

    func rank(_ key: String) -> Way.Rank? { ways.first { $0.key == key }?.rank }
}

/// One line of a mountinfo.
func mountLine(
    _ id: Int, in parent: Int, _ point: String, _ type: String = "ext4", root: String = "/",
    device: String = "8:1", options: String = "rw", source: String = "/dev/sda1"
) -> String {
    "\(id) \(parent) \(device) \(root) \(point) \(options) - \(type) \(source) rw\n"
}
