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
    ) throws(Failure) -> OwnedDescriptor {
        let place = try context.place(mount.destination)
        let path = mount.destination
        let refusesLinks =
            isKernelInterface || HeldMounts.names.contains(PathText.cleaned(path))
        let links = refusesLinks ? LinkPolicy.refuse : place.links
        let advice: (Errno) -> String? = { error in
            switch error {
            case .tooManySymbolicLinkLevels where links == .refuse:
                "it must be mounted on ordinary directory, not through a symbolic link"
            case .tooManySymbolicLinkLevels:
                "a link there leads through /proc, in circles or over more than 40 links"
            case .fileNameTooLong: LinkPolicy.tooLong
            case .notDirectory:
                directory
                    ? "it, or a part of it, is a file in the root file system; \(MountTarget.question)"
                    : "part of the path is a file in the root file system"
            default: nil
            }
        }
        let target = try attempt(
            "openat2", on: path, advice: advice,
            try directory ? place.makeDirectories(links: links) : place.makeFile(links: links))
        try refuseProc(target.borrowed)
        return target
    }

    /// The file at the destination before anything is made there; nil where there is none.
    func status(_ context: ContainerContext) throws(Failure) -> FileStatus? {
        let place = try context.place(mount.destination)
        do throws(Errno) {
            let found = try place.open(.path)
            return try FileStatus.of(found.borrowed)
        } catch .noSuchFileOrDirectory, .notDirectory {
            // Made, or refused, when it is opened as a target.
            return nil
        } catch {
            throw Failure(
                "openat2", mount.destination.inQuotes, error,
                advice: error == .tooManySymbolicLinkLevels
                    ? "it must be mounted on ordinary directory, not on a symbolic link" : nil)
        }
    }

    /// The checks of the config see no path that leads into procfs through a symbolic link.
    private func refuseProc(_ target: FileDescriptor) throws(Failure) {
        let place = PathText.cleaned(mount.destination)
        if place == "/proc" || place.hasPrefix("/proc/") { return }
        let magic = try attempt("fstatfs", on: place, try FileSystemMagic.of(target))
        if magic == .procfs {
            throw Failure("\"\(place)\" leads into /proc; nothing may be mounted there")
        }
    }

    /// Docker's, which people search for.
    static let question =
        "are you trying to mount a directory onto a file (or vice-versa)?"

    /// The kernel puts no file onto a directory.
    func refuseDirectory(_ target: FileDescriptor, for source: String) throws(Failure) {
        let found = try attempt("fstat", on: mount.destination, try FileStatus.of(target))
        if found.kind == .directory {
            throw Failure(
                "\(source.inQuotes) is a file, and \(mount.destination.inQuotes) a directory in the"
                    + " root file system; \(MountTarget.question)")
        }
    }

    /// Gives the tree its attributes and attaches it.
    func attach(_ tree: borrowing DetachedMount, _ target: FileDescriptor) throws(Failure) {
        try mount.setAttributes(of: tree)
        try attempt("move_mount", on: mount.destination, try tree.attach(to: target))
        for propagation in mount.propagation {
            try attempt(
                "mount_setattr", on: mount.destination,
                try tree.setPropagation(propagation.kind, recursive: propagation.isRecursive))
        }
    }

    func summary(_ what: String) -> String {
        let options = mount.optionText.isEmpty ? "" : " " + mount.optionText
        return "mount \(what) on \(mount.destination)\(options)"
    }
}
