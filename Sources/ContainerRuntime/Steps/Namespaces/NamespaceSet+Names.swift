internal import LinuxSystem
internal import SystemPackage

extension NamespaceSet {
    /// In the specification's words.
    var names: [String] {
        let all: [(NamespaceSet, String)] = [
            (.mount, "mount"), (.pid, "pid"), (.uts, "uts"), (.network, "network"),
            (.ipc, "ipc"), (.cgroup, "cgroup"), (.user, "user"), (.time, "time"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
