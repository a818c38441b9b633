internal import LinuxSystem

extension NamespaceSet {
    /// The names in the specification.
    var names: [String] { NamespaceKind.all.filter { contains($0.flag) }.map(\.name) }
}
