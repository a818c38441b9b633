internal import Cgroups
public import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp

/// The features of this version, in the structure of the runtime specification's features.md.
///
/// Every list comes from the table by which config.json is read, so that it claims nothing that a
/// config cannot use.
public enum Features {
    public static var json: JSONOutput {
        .object([
            ("ociVersionMin", .string(Spec.versions.oldest)),
            ("ociVersionMax", .string(Spec.versions.newest)),
            ("hooks", strings(Configuration.Hooks.Kind.allCases.map(\.rawValue))),
            ("mountOptions", strings(MountOption.table.map(\.name).sorted())),
            ("linux", linux),
            (
                "annotations",
                .object([
                    (
                        "io.github.seccomp.libseccomp.version",
                        .string(SeccompCompiler.libraryVersion)
                    ),
                    (
                        "org.opencontainers.runc.checkpoint.enabled",
                        .string("false")
                    ),
                ])
            ),
            // A name that ends in a dot stands for all that begin with it.
            (
                "potentiallyUnsafeConfigAnnotations",
                strings([SystemdProperty.annotationPrefix])
            ),
        ])
    }

    private static var linux: JSONOutput {
        .object([
            ("namespaces", strings(Spec.Linux.Namespace.Kind.allCases.map(\.rawValue).sorted())),
            ("capabilities", strings(CapabilitySet.names)),
            (
                "cgroup",
                .object(
                    ["v1", "v2", "systemd", "systemdUser", "rdma"].map { ($0, .bool(true)) })
            ),
            ("seccomp", seccomp),
            ("apparmor", enabled),
            ("selinux", enabled),
            (
                "intelRdt",
                .object(["enabled", "schemata", "monitoring"].map { ($0, .bool(true)) })
            ),
            (
                "memoryPolicy",
                .object([
                    (
                        "modes",
                        strings(Spec.Linux.MemoryPolicy.Mode.allCases.map(\.rawValue).sorted())
                    ),
                    (
                        "flags",
                        strings(Spec.Linux.MemoryPolicy.Flag.allCases.map(\.rawValue).sorted())
                    ),
                ])
            ),
            ("mountExtensions", .object([("idmap", enabled)])),
            ("netDevices", enabled),
        ])
    }

    private static var seccomp: JSONOutput {
        let flags = Spec.Seccomp.Flag.allCases
        return .object([
            ("enabled", .bool(true)),
            ("actions", strings(Spec.Seccomp.Action.allCases.map(\.rawValue).sorted())),
            ("operators", strings(Spec.Seccomp.Comparison.allCases.map(\.rawValue).sorted())),
            ("archs", strings(Spec.Seccomp.Architecture.allCases.map(\.rawValue).sorted())),
            ("knownFlags", strings(flags.map(\.rawValue))),
            (
                "supportedFlags",
                strings(flags.filter { SeccompFilter.kernelTakes(flags: $0.bit) }.map(\.rawValue))
            ),
        ])
    }

    private static let enabled = JSONOutput.object([("enabled", .bool(true))])

    private static func strings(_ strings: [String]) -> JSONOutput {
        .array(strings.map(JSONOutput.string))
    }
}
