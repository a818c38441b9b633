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
        [
            "ociVersionMin": .string(Spec.versions.oldest),
            "ociVersionMax": .string(Spec.versions.newest),
            "hooks": .strings(Configuration.Hooks.Kind.allCases.map(\.rawValue)),
            "mountOptions": .strings(MountOption.table.map(\.name).sorted()),
            "linux": linux,
            "annotations": [
                "io.github.seccomp.libseccomp.version": .string(SeccompCompiler.libraryVersion),
                "org.opencontainers.runc.checkpoint.enabled": "true",
            ],
            // A name that ends in a dot stands for all that begin with it.
            "potentiallyUnsafeConfigAnnotations": .strings(
                [CRIUConfigFile.annotation, SystemdProperty.annotationPrefix]
                    + EngineAnnotation.allCases.map(\.rawValue)),
        ]
    }

    private static var linux: JSONOutput {
        [
            "namespaces": sorted(Spec.Linux.Namespace.Kind.self),
            "capabilities": .strings(CapabilitySet.names),
            "cgroup": ["v1": true, "v2": true, "systemd": true, "systemdUser": true, "rdma": true],
            "seccomp": seccomp,
            "apparmor": ["enabled": true],
            "selinux": ["enabled": true],
            "intelRdt": ["enabled": true, "schemata": true, "monitoring": true],
            "memoryPolicy": [
                "modes": sorted(Spec.Linux.MemoryPolicy.Mode.self),
                "flags": sorted(Spec.Linux.MemoryPolicy.Flag.self),
            ],
            "mountExtensions": ["idmap": ["enabled": true]],
            "netDevices": ["enabled": true],
        ]
    }

    private static var seccomp: JSONOutput {
        let flags = Spec.Seccomp.Flag.allCases
        let supported = flags.filter { SeccompFilter.kernelTakes(flags: $0.bit) }
        return [
            "enabled": true,
            "actions": sorted(Spec.Seccomp.Action.self),
            "operators": sorted(Spec.Seccomp.Comparison.self),
            "archs": sorted(Spec.Seccomp.Architecture.self),
            "knownFlags": .strings(flags.map(\.rawValue)),
            "supportedFlags": .strings(supported.map(\.rawValue)),
        ]
    }

    private static func sorted<Words: RawRepresentable<String> & CaseIterable>(
        _ words: Words.Type
    ) -> JSONOutput {
        .strings(words.allCases.map(\.rawValue).sorted())
    }
}
