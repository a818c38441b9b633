internal import JSON
internal import LinuxSystem
public import OCISpec
internal import SystemPackage

/// A mount of a container that runs: of `mounts add` and `mounts remove`.
public struct RuntimeMount: Sendable {
    let mount: Configuration.Mount

    /// In the container, absolute.
    var destination: String { PathText.cleaned(mount.destination) }

    /// In one go.
    private static let most = 100

    /// Reads an array of `mounts[]`, as config.json has them.
    ///
    /// - Parameter forRemoval: Of each the destination alone counts.
    public static func read(
        _ diagnostics: Diagnostics, forRemoval: Bool
    ) -> [RuntimeMount] {
        let root = diagnostics.document.root
        guard root.kind == .array else {
            diagnostics.error(
                "mounts must be an array: [{\"destination\": …}], as in config.json",
                at: root.offset)
            return []
        }
        if root.elements.count > most {
            diagnostics.error("these are more than \(most) mounts", at: root.offset)
            return []
        }
        var found: [RuntimeMount] = []
        for element in root.elements {
            guard let spec = Spec.Mount(element, diagnostics) else { continue }
            check(spec.destination, diagnostics)
            let reading = MountReading(spec)
            if forRemoval {
                found.append(RuntimeMount(mount: reading.mount))
                continue
            }
            check(reading, diagnostics)
            if let mount = reading.configured(in: "/") { found.append(RuntimeMount(mount: mount)) }
        }
        return found
    }

    /// Where the kernel's interfaces, their masks and the devices are nothing is mounted later.
    private static func check(_ destination: Located<String>, _ diagnostics: Diagnostics) {
        let path = PathText.cleaned(destination.value)
        if !destination.value.hasPrefix("/") {
            diagnostics.error(
                "\(destination.value.inQuotes) is not an absolute path", at: destination.offset)
        } else if path == "/" || path == "/dev" || path == "/dev/pts"
            || ["/proc", "/sys"].contains(where: { path == $0 || path.lies(below: $0) })
        {
            diagnostics.error(
                "the mounts on /, /dev, /dev/pts, /proc and /sys, and those below the last two, are not"
                    + " changed in a container that runs", at: destination.offset)
        }
    }

    private static func check(_ reading: MountReading, _ diagnostics: Diagnostics) {
        let spec = reading.spec
        if reading.isRemount || reading.copyUp != nil || reading.mount.idMapping != nil {
            diagnostics.error(
                "remount, tmpcopyup and mapped ids are not possible in a container that runs",
                at: spec.offset)
        }
        if reading.bind != nil {
            if spec.source?.value.hasPrefix("/") != true {
                diagnostics.error(
                    "a bind mount needs a source, an absolute path of the host", at: spec.offset)
            }
            for option in reading.unknown {
                diagnostics.error(
                    "\(option.value.inQuotes) is not an option of this mount", at: option.offset)
            }
        } else if reading.type != "tmpfs" {
            diagnostics.error(
                "only bind mounts and tmpfs can be added to a container that runs", at: spec.offset)
        }
    }

    // MARK: In the process that attaches them

    /// Opens the sources of bind mounts; nil for a tmpfs, which is made in the container's namespaces.
    static func open(
        _ mounts: [RuntimeMount], _ isRestricted: Bool
    ) throws(Failure) -> [BindSource?] {
        var sources: [BindSource?] = []
        for (position, found) in mounts.enumerated() {
            guard case .bind(let path, let isRecursive) = found.mount.kind else {
                sources.append(nil)
                continue
            }
            let source = try HostBindSource(
                path: path, isRecursive: isRecursive, position: position
            ).open(propagation: .slave)
            var mount = found.mount
            mount.clear = try mount.cleared(of: source.tree, path, isRestricted)
            try mount.setAttributes(of: source.tree)
            sources.append(source)
        }
        return sources
    }

    /// No link is followed: the container could have put it there.
    ///
    /// - Returns: The root of the mount.
    func attach(_ source: BindSource?, _ root: HeldRoot) throws(Failure) -> HeldDescriptor {
        let isDirectory = source?.isDirectory ?? true
        let path = mount.destination
        let target = try attempt(
            "openat2", on: path, advice: RuntimeMount.advice,
            try isDirectory
                ? root.directory.makeDirectories(path, links: .refuse)
                : root.directory.makeFile(path, links: .refuse))
        try check(target.borrowed, root.directory.borrowed, isDirectory: isDirectory)
        guard let source else {
            let made = try attempt(
                "mount", "tmpfs on \(path.inQuotes)", try makeTmpfs(on: target.borrowed))
            return try attach(made, to: target.borrowed)
        }
        return try attach(source.tree, to: target.borrowed)
    }

    private static func advice(_ error: Errno) -> String? {
        switch error {
        case .notDirectory: MountTarget.question
        case .readOnlyFileSystem: "it is missing in a read-only file system"
        case .tooManySymbolicLinkLevels: "name what the link in it leads to"
        default: nil
        }
    }

    /// Nothing can fail once it is attached.
    private func attach(
        _ tree: borrowing DetachedMount, to target: FileDescriptor
    ) throws(Failure) -> HeldDescriptor {
        for propagation in mount.propagation {
            try attempt(
                "mount_setattr", on: destination,
                try tree.setPropagation(propagation.kind, recursive: propagation.isRecursive))
        }
        let held = try attempt(
            "fcntl", on: destination,
            HeldDescriptor(try OwnedDescriptor.duplicate(tree.borrowed)))
        try attempt("move_mount", on: destination, try tree.attach(to: target))
        return held
    }

    /// The kernel's interfaces may lie elsewhere, too.
    private func check(
        _ target: FileDescriptor, _ root: FileDescriptor, isDirectory: Bool
    ) throws(Failure) {
        let (magic, found, top) = try attempt(
            "fstatfs", on: destination,
            try (FileSystemMagic.of(target), FileStatus.of(target), FileStatus.of(root)))
        if magic == .procfs || magic == .sysfs {
            throw Failure(
                "\(destination.inQuotes) lies in procfs or sysfs; nothing is mounted there")
        }
        if found.inode == top.inode && found.device == top.device {
            throw Failure("\(destination.inQuotes) is the root itself")
        }
        if (found.kind == .directory) != isDirectory {
            throw Failure(
                "\(destination.inQuotes) is \(isDirectory ? "no" : "a") directory; \(MountTarget.question)"
            )
        }
    }

    private func makeTmpfs(on place: FileDescriptor) throws(Errno) -> DetachedMount {
        let context = try FileSystemContext("tmpfs")
        // As a tmpfs of config.json; its own mode comes later.
        let mode = try FileStatus.of(place).permissions
        try context.set("mode", String(mode, radix: 8))
        if case .fileSystem(_, _, let parameters) = mount.kind {
            for parameter in parameters {
                if let value = parameter.value {
                    try context.set(parameter.key, value)
                } else {
                    try context.set(parameter.key)
                }
            }
        }
        try context.create()
        var attributes = mount.set
        attributes.override(with: mount.setRecursively)
        return try context.mount(attributes)
    }

    /// - Parameter known: The mounts that may be detached.
    /// - Returns: Which one it was.
    func detach(
        _ root: HeldRoot, _ proc: FileDescriptor, known: [UInt64]
    ) throws(Failure) -> UInt64 {
        // No link is followed: it could lead to the mask of another path.
        let target = try attempt(
            "openat2", on: destination,
            advice: RuntimeMount.advice,
            try root.directory.open(destination, .path, links: .refuse))
        let number = try attempt("statx", on: destination, try target.borrowed.mountID())
        // What the config has mounted there, or masked, stays: names may be exchanged.
        if !known.contains(number) {
            throw Failure(
                "nothing is mounted on \(destination.inQuotes) that \"mounts add\" has mounted")
        }
        try attempt(
            "umount2", on: destination,
            advice: {
                $0 == .invalidArgument ? "it is not the root of the mount" : nil
            },
            try MountTree.detach(target.borrowed, by: proc))
        return number
    }
}

extension Configuration.Mount {
    /// Sets and clears what the options name.
    func setAttributes(of tree: borrowing DetachedMount) throws(Failure) {
        try attempt(
            "mount_setattr", on: destination, try tree.setAttributes(set: set, clear: clear))
        try attempt(
            "mount_setattr", on: destination,
            try tree.setAttributes(
                set: setRecursively, clear: clearRecursively, recursive: true))
    }
}
