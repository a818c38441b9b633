internal import OCISpec

/// Requirements of the options of mounts.
extension Checks {
    func mountOptions() {
        for mount in request.mounts { check(mount) }
    }

    private func check(_ mount: MountReading) {
        let spec = mount.spec
        let destination = spec.destination
        if !destination.value.hasPrefix("/") && !destination.value.isEmpty {
            diagnostics.warning(
                "\"\(destination.value)\" is relative; write \"/\(destination.value)\"",
                at: destination.offset)
        }
        if let option = mount.copyUp, spec.type?.value != "tmpfs" {
            diagnostics.error(
                "tmpcopyup needs a mount of type \"tmpfs\"; remove it", at: option.offset)
        }
        if mount.mount.idMapping != nil { checkIDMapping(mount) }
        if mount.refusesUnknown {
            for option in mount.unknown {
                // containerd repeats those of the host's mount, which no other can change.
                if mount.isControlGroup && Self.ofControlGroups.contains(option.value) { continue }
                refuse(option)
            }
        }
        if mount.isRemount { return }
        if mount.bind != nil {
            if spec.source?.value.isEmpty ?? true {
                diagnostics.error(
                    "a bind mount needs a source; name the file or directory of the host",
                    at: spec.offset)
            }
        } else if mount.type == nil {
            diagnostics.error(
                "needs a type (\"tmpfs\", \"proc\" …) or the option \"bind\"", at: spec.offset)
        }
    }

    /// Options of a cgroup2 file system as a whole (the kernel's Documentation/admin-guide/cgroup-v2.rst).
    private static let ofControlGroups: Set<String> = [
        "nsdelegate", "favordynmods", "memory_localevents", "memory_recursiveprot",
        "memory_hugetlb_accounting", "pids_localevents",
    ]

    /// What fstab(5) and other tools call an option.
    private static let otherWords = [
        "readonly": "ro", "read-only": "ro", "writable": "rw", "readwrite": "rw",
        "read-write": "rw",
    ]

    /// No file system takes the option: it would have no effect.
    private func refuse(_ option: Located<String>) {
        let near =
            Self.otherWords[option.value]
            ?? nearestName(to: option.value, in: MountOption.table.map(\.name))
        diagnostics.error(
            "\"\(option.value)\" is not an option of this mount"
                + (near.map { "; did you mean \"\($0)\"?" } ?? ""), at: option.offset)
    }

    private func checkIDMapping(_ mount: MountReading) {
        let spec = mount.spec
        if mount.bind == nil || mount.isRemount {
            diagnostics.error(
                "only a bind mount can map ids; remove the mappings", at: spec.offset)
        }
        if spec.uidMappings.isEmpty != spec.gidMappings.isEmpty {
            diagnostics.error(
                "an id-mapped mount needs both uidMappings and gidMappings", at: spec.offset)
        }
    }

    /// A mount with the mappings of the user namespace needs a user namespace.
    func idMappedMounts() {
        if request.invocation.joining != nil { return }
        for reading in request.mounts {
            guard let mapping = reading.mount.idMapping else { continue }
            if mapping.mappings == nil && request.userNamespace.namespace == nil {
                diagnostics.error(
                    "idmap without uidMappings and gidMappings uses those of the user namespace, but the"
                        + " container has none; add mappings to the mount",
                    at: reading.spec.offset)
            }
            if request.invocation.privilege == .none {
                diagnostics.error(
                    "mapping the ids of a mount requires root; remove it, or run vfs-run as root",
                    at: reading.spec.offset)
            }
        }
    }
}
