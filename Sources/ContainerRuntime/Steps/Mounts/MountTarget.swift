internal import LinuxSystem
internal import SystemPackage

/// Finding the place of a mount in the container's tree, and putting it there.
struct MountTarget {
    let mount: Configuration.Mount

    /// Opens the destination, making what is missing of it.
    ///
    /// proc and sysfs go only onto a real directory: through a symbolic link in the image they
    /// would lie elsewhere, and what the runtime masks would not be masked (CVE-2019-19921,
    /// CVE-2023-27561, CVE-2023-28642).
    func open(
        _ context: ContainerContext, directory: Bool, isKernelInterface: Bool = false
    ) throws(StepError) -> OwnedDescriptor {
        let place = try context.place(mount.destination)
        let path = mount.destination
        let refusesLinks =
            isKernelInterface || HeldMounts.names.contains(PathText.cleaned(path))
        let links = refusesLinks ? LinkPolicy.refuse : place.links
        let advice: (Errno) -> String? = { error in
            switch error {
            case .tooManySymbolicLinkLevels where links == .refuse:
                "it must be mounted on an ordinary directory, not through a symbolic link"
            case .tooManySymbolicLinkLevels:
                "a link there leads through /proc, in circles or over more than 40 links"
            case .fileNameTooLong: LinkPolicy.tooLong
            case .notDirectory: "part of the path is a file in the root file system"
            default: nil
            }
        }
        let target = try stepping("openat2", path.inQuotes, advice: advice) {
            () throws(Errno) in
            directory
                ? try place.makeDirectories(links: links) : try place.makeFile(links: links)
        }
        try refuseProc(target.borrowed)
        return target
    }

    /// What is at the destination before anything is made there; nil where there is nothing.
    func status(_ context: ContainerContext) throws(StepError) -> FileStatus? {
        let place = try context.place(mount.destination)
        do throws(Errno) {
            let found = try place.open(.path)
            return try FileStatus.of(found.borrowed)
        } catch .noSuchFileOrDirectory, .notDirectory {
            // Made, or refused, when it is opened as a target.
            return nil
        } catch {
            throw StepError(
                SystemCallError("openat2", mount.destination.inQuotes, error),
                error == .tooManySymbolicLinkLevels
                    ? "it must be an ordinary directory, not a symbolic link" : nil)
        }
    }

    /// What leads into procfs through a symbolic link is not what the checks have seen.
    private func refuseProc(_ target: FileDescriptor) throws(StepError) {
        let place = PathText.cleaned(mount.destination)
        if place == "/proc" || place.hasPrefix("/proc/") { return }
        let magic = try stepping("fstatfs", place.inQuotes) { () throws(Errno) in
            try FileSystemMagic.of(target)
        }
        if magic == .procfs {
            throw StepError("\"\(place)\" leads into /proc; nothing may be mounted there")
        }
    }

    /// Gives the tree its attributes and attaches it.
    func attach(_ tree: borrowing DetachedMount, _ target: FileDescriptor) throws(StepError) {
        try stepping("mount_setattr", mount.destination.inQuotes) { () throws(Errno) in
            try tree.setAttributes(set: mount.set, clear: mount.clear)
            try tree.setAttributes(
                set: mount.setRecursively, clear: mount.clearRecursively, recursive: true)
        }
        try stepping("move_mount", mount.destination.inQuotes) { () throws(Errno) in
            try tree.attach(to: target)
        }
        try stepping("mount_setattr", mount.destination.inQuotes) { () throws(Errno) in
            for propagation in mount.propagation {
                try tree.setPropagation(propagation.kind, recursive: propagation.isRecursive)
            }
        }
    }

    func summary(_ what: String) -> String {
        let options = mount.optionText.isEmpty ? "" : " " + mount.optionText
        return "mount \(what) on \(mount.destination)\(options)"
    }
}
