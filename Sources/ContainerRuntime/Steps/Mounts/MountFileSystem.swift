internal import LinuxSystem
internal import SystemPackage

/// `mounts[]` with a type.
struct MountFileSystem: ContainerStep {
    static let manual = StepManual(
        "mount a file system",
        what: """
            Makes a new instance of a file system and attaches it to a directory that was opened \
            without leaving the root. proc shows the pid namespace of the process that mounts it, \
            sysfs the network namespace.
            """,
        why: """
            In the config's order: a later mount may lie inside an earlier one. After the pivot, \
            where no path leads to the host. proc and sysfs go only onto a real directory.
            """,
        calls: "openat2, fsopen, fsconfig, fsmount, mount_setattr, move_mount")

    let mount: Configuration.Mount
    let type: String
    let source: String?
    let parameters: [Configuration.Mount.Parameter]
    /// The SELinux context of all that is in it, where it takes one.
    let label: String?
    /// The mount option that it becomes.
    var labelOption = "context"
    /// Whether the init process is root of a user namespace at best.
    var isRestricted = false
    /// Whether the host's is bound then, where it may not be mounted.
    var mayStandIn = false
    /// Whether the namespace that it shows is a new one, which no other process has covered.
    var showsOwn = false
    /// Whether it is known that it will be: it shows a namespace of the host's.
    var isHosts = false

    var summary: String {
        let mounting = MountTarget(mount: mount).summary(type)
        return isHosts ? "bind the host's \(mounting.dropFirst("mount ".count))" : mounting
    }
    var needs: Provisions { [.root] }

    func shell(_ commands: inout ShellCommands) {
        let place = ShellWord.path(mount.destination)
        commands.run("directory", place)
        if isHosts || mayStandIn && !showsOwn {
            commands.run("mount", "--rbind", "--", .value(mount.destination), place)
            return
        }
        var attributes = mount.set
        attributes.override(with: mount.setRecursively)
        let isReadOnly = attributes.contains(.readOnly) && !mount.isFilledFirst
        attributes.subtract(.readOnly)
        let words =
            attributes.optionWords
            + parameters.map { parameter in
                parameter.value.map { "\(parameter.key)=\($0)" } ?? parameter.key
            }
        if mount.copiesUp { commands.note("What the directory holds is not copied.") }
        var command: [ShellWord] = ["mount", "-t", .value(type)]
        if !words.isEmpty { command += ["-o", .value(words.joined(separator: ","))] }
        commands.run(command + ["--", .value(source ?? type), place])
        // With the others it would hold for the file system, too.
        if isReadOnly { commands.run("mount -o remount,bind,ro", place) }
    }

    func apply(_ context: ContainerContext) throws(Failure) {
        let target = MountTarget(mount: mount)
        let below = try type == "tmpfs" ? target.status(context) : nil
        let place = try target.open(
            context, directory: true, isKernelInterface: type == "proc" || type == "sysfs")
        guard let fileSystem = try opened(context) else {
            try HostStandIn(type: type, mount: mount)?.attach(place.borrowed, context)
            return
        }
        if let source, !source.isEmpty {
            try configure(fileSystem, "source", source)
        }
        for parameter in parameters {
            try configure(fileSystem, parameter.key, parameter.value)
        }
        // A program that expects its directory finds it with the mode that the image gave it.
        if let below, !parameters.contains(where: { $0.key == "mode" }) {
            try configure(fileSystem, "mode", String(below.permissions, radix: 8))
        }
        // A context that the mount itself names comes first.
        let hasContext = parameters.contains { $0.key.hasSuffix("context") }
        if let label, labeling == .byOption, !hasContext {
            try configure(fileSystem, labelOption, label)
        }
        var attributes = mount.set
        attributes.override(with: mount.setRecursively)
        if mount.isFilledFirst { attributes.subtract(.readOnly) }
        guard let tree = try made(fileSystem, attributes) else {
            try HostStandIn(type: type, mount: mount)?.attach(place.borrowed, context)
            return
        }
        if let label, labeling == .byAttribute {
            let root = tree.borrowed
            let top = try attempt(
                "openat", on: mount.destination, try root.open(".", [.readOnly, .directory]))
            try attempt(
                "fsetxattr", "security.selinux of \(mount.destination.inQuotes)",
                try top.borrowed.setAttribute("security.selinux", label))
        }
        if mount.copiesUp, below != nil, try holdsImage(place.borrowed, context) {
            try CopyUp(destination: mount.destination, parameters: parameters)
                .fill(tree.borrowed, from: place.borrowed)
        }
        // It was made with its attributes; there is nothing to set or to clear any more.
        var attached = mount
        attached.set = []
        attached.setRecursively = []
        attached.clear = []
        attached.clearRecursively = []
        try MountTarget(mount: attached).attach(tree, place.borrowed)
        try context.hold(mount.destination, tree.borrowed, .init(type: type))
        if mount.copiesUp { context.copiedMounts.insert(try number(of: tree.borrowed)) }
    }

    /// Whether what is covered is the image's: the root's own file system, or a tmpfs that was
    /// filled from it. Of a volume and of the kernel's file systems nothing is copied, whatever
    /// link of the image leads there.
    private func holdsImage(
        _ place: FileDescriptor, _ context: ContainerContext
    ) throws(Failure) -> Bool {
        let found = try number(of: place)
        if context.copiedMounts.contains(found) { return true }
        let root = try context.root.given(.root)
        return found == (try number(of: root.directory.borrowed))
    }

    private func number(of file: FileDescriptor) throws(Failure) -> UInt64 {
        try attempt("statx", on: mount.destination, try file.mountID())
    }

    /// Nil where it is not this process's to mount, and the host's can stand in.
    private func opened(_ context: ContainerContext) throws(Failure) -> FileSystemContext? {
        if type == "proc", let joined = try context.takeProcContext() { return joined }
        do {
            return try FileSystemContext(type)
        } catch .notPermitted where mayStandIn && !showsOwn {
            return nil
        } catch {
            throw Failure(
                "fsopen", type.inQuotes, error,
                advice: error == .operationNotSupportedByDevice
                    ? "the kernel does not know this file system" : nil)
        }
    }

    /// Nil as with `opened`, and where the kernel gives no sysfs at all: it shows no more of one than is
    /// mounted where this process is, and in a container parts of that are covered. That is the answer
    /// of fsmount(2), and of no other call where the namespace is a new one.
    private func made(
        _ fileSystem: borrowing FileSystemContext, _ attributes: MountAttributes
    ) throws(Failure) -> DetachedMount? {
        var isMade = false
        do {
            try fileSystem.create()
            isMade = true
            return try fileSystem.mount(attributes)
        } catch {
            let isRefused = error == .notPermitted || error == .permissionDenied
            let mayBeCovered = isMade && type == "sysfs"
            if isRefused && mayStandIn && (!showsOwn || mayBeCovered) { return nil }
            if isRefused && type == "proc" { throw Failure(MountFileSystem.noProc(error)) }
            throw failure(fileSystem, "mount", error, isForbidden: isRefused && isRestricted)
        }
    }

    /// The kernel's `mount_too_revealing`, and pid namespaces of another user namespace.
    private static func noProc(_ error: Errno) -> String {
        "mount: \(error.words); in a user namespace the kernel gives none where parts of the host's are"
            + " covered, as in a container, nor for processes that belong to another user namespace;"
            + " \"vfs-run doctor\" prints them and the remedy"
    }

    private enum Labeling { case byOption, byAttribute, not }

    /// The kernel's own interfaces have labels of their own, and the one message queue of an ipc
    /// namespace takes no option.
    private var labeling: Labeling {
        switch type {
        case "proc", "sysfs": .not
        case "mqueue": .byAttribute
        default: .byOption
        }
    }

    private func configure(
        _ fileSystem: borrowing FileSystemContext, _ key: String, _ value: String?
    ) throws(Failure) {
        do {
            if let value { try fileSystem.set(key, value) } else { try fileSystem.set(key) }
        } catch {
            let option = value.map { "\(key)=\($0)" } ?? key
            throw failure(fileSystem, "option \"\(option)\"", error)
        }
    }

    /// The kernel's own words, where it has some.
    private func failure(
        _ fileSystem: borrowing FileSystemContext, _ call: String, _ error: Errno,
        isForbidden: Bool = false
    ) -> Failure {
        let words = fileSystem.messages().joined(separator: ", ")
        let advice =
            isForbidden
            ? "root of a user namespace may not mount this file system; bind a directory of it"
            : nil
        return Failure(
            call, "", error, advice: words.isEmpty ? advice : "the kernel says: \(words)")
    }
}
