public import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp

/// What this version of the program can do, as the runtime specification's features.md has it.
///
/// Every list comes out of the table that config.json is read by, so that nothing is claimed that
/// a config could not have.
public enum Features {
    public static var json: JSONOutput {
        .object([
            ("ociVersionMin", .string(Spec.versions.oldest)),
            ("ociVersionMax", .string(Spec.versions.newest)),
            ("hooks", strings(Supported.hooks.map(\.rawValue))),
            ("mountOptions", strings(mountOptions.sorted())),
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
                        .string(Supported.checkpoints ? "true" : "false")
                    ),
                ])
            ),
            ("potentiallyUnsafeConfigAnnotations", strings(Supported.effectiveAnnotations)),
        ])
    }

    private static var mountOptions: [String] {
        MountOption.table.compactMap { name, meaning in
            if case .unsupported = meaning { nil } else { name }
        }
    }

    private static var linux: JSONOutput {
        let groups = Supported.controlGroups
        let director = Supported.intelResourceDirector
        return .object([
            ("namespaces", strings(Supported.namespaces.map(\.rawValue).sorted())),
            ("capabilities", strings(CapabilitySet.names)),
            (
                "cgroup",
                .object([
                    ("v1", .bool(groups.version1)), ("v2", .bool(groups.version2)),
                    ("systemd", .bool(groups.systemd)), ("systemdUser", .bool(groups.systemdUser)),
                    ("rdma", .bool(groups.rdma)),
                ])
            ),
            ("seccomp", seccomp),
            ("apparmor", enabled(Supported.appArmor)),
            ("selinux", enabled(Supported.seLinux)),
            (
                "intelRdt",
                .object([
                    ("enabled", .bool(director.enabled)), ("schemata", .bool(director.schemata)),
                    ("monitoring", .bool(director.monitoring)),
                ])
            ),
            (
                "memoryPolicy",
                .object([
                    ("modes", strings(Supported.memoryPolicy.modes)),
                    ("flags", strings(Supported.memoryPolicy.flags)),
                ])
            ),
            ("mountExtensions", .object([("idmap", enabled(Supported.idMappedMounts))])),
            ("netDevices", enabled(Supported.networkDevices)),
        ])
    }

    private static var seccomp: JSONOutput {
        let flags = Spec.Seccomp.Flag.allCases
        return .object([
            ("enabled", .bool(true)),
            ("actions", strings(Supported.seccompActions.map(\.rawValue).sorted())),
            ("operators", strings(Spec.Seccomp.Comparison.allCases.map(\.rawValue).sorted())),
            ("archs", strings(Spec.Seccomp.Architecture.allCases.map(\.rawValue).sorted())),
            ("knownFlags", strings(flags.map(\.rawValue))),
            (
                "supportedFlags",
                strings(flags.filter { SeccompFilter.kernelTakes(flags: $0.bit) }.map(\.rawValue))
            ),
        ])
    }

    private static func enabled(_ isEnabled: Bool) -> JSONOutput {
        .object([("enabled", .bool(isEnabled))])
    }

    private static func strings(_ strings: [String]) -> JSONOutput {
        .array(strings.map(JSONOutput.string))
    }
}
