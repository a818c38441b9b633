internal import Cgroups
internal import OCISpec

/// What of the specification is carried out, where its names alone do not tell: the one place to
/// change when something is. The checks refuse what is not in here and `Features` shows it.
///
/// The other parts have their own tables: mount options in `MountOption.table`, where
/// `.unsupported` is the same word.
enum Supported {
    /// In the order of a container's life.
    static let hooks = Configuration.Hooks.Kind.allCases
    static let namespaces = Spec.Linux.Namespace.Kind.allCases
    static let seccompActions = Spec.Seccomp.Action.allCases

    /// How `linux.resources` reaches the kernel.
    static let controlGroups = (
        version1: true, version2: true, systemd: true, systemdUser: true, rdma: true
    )
    static let appArmor = true
    static let seLinux = true
    static let intelResourceDirector = (enabled: true, schemata: true, monitoring: true)
    static let memoryPolicy = (
        modes: Spec.Linux.MemoryPolicy.Mode.allCases.map(\.rawValue).sorted(),
        flags: Spec.Linux.MemoryPolicy.Flag.allCases.map(\.rawValue).sorted()
    )
    static let idMappedMounts = true
    static let networkDevices = true
    static let checkpoints = false

    /// Annotations that change what a start does; one that ends in `.` stands for all it begins.
    static let effectiveAnnotations = [SystemdProperty.annotationPrefix]
}
